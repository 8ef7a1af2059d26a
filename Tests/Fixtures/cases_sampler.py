"""The traces of the published sampler: whole runs with every draw and every point recorded, without and with RAM.

The network is that of `adm/adm_a` with the adapter of `lora/ud2m.ckpt`, RAM that of the `ram` fixtures. Traces named
`trace_ram_…` are those of `make_sampler_ram.py`; the others are of the paper's code itself.
"""

import json

import torch
from safetensors import safe_open

from cases_ram import slim_ram
from fixture_files import HERE
from portable import fill
from reference_adm import ADM
from reference_sampler import GaussianDeblurring, Inpainting, OtherDeblurring, PublishedSampler, SuperResolution

FOLDER = "sampler"
PATTERN = "trace_*.io.safetensors"
# Float32 rounding of nine runs of a network; values reach 7.
TOLERANCE = 1e-5
PARAMETRISATION = "parametrizations.weight.0"


def adapted_network(dtype=torch.float32):
    """What predicts the noise in x at timestep t."""
    with safe_open(HERE / "adm" / "adm_a.io.safetensors", "pt") as file:
        network = ADM(json.loads(json.loads(file.metadata()["meta"])["config"])).eval()
    state = fill(network, "adm_a")
    trained = torch.load(HERE / "lora" / "ud2m.ckpt", weights_only=True)["state_dict"]
    for name, value in trained.items():
        if not name.endswith("lora_A"):
            state |= {name: value} if name in state else {}
            continue
        weight = name.removesuffix(f".{PARAMETRISATION}.lora_A") + ".weight"
        change = value @ trained[name.removesuffix("A") + "B"]
        state[weight] = state[weight] + change.view(state[weight].shape) * (1.5 / value.shape[1])
    network.load_state_dict(state)
    network.to(dtype)
    return lambda x, t: network(x, torch.tensor([t]))[0][:, : x.shape[1]]


def initial_network(flavour, dtype=torch.float32):
    """What gives the image that a step starts from."""
    network = slim_ram().to(dtype)
    return lambda measurements, operator, sigma: network(measurements, operator, sigma, flavour=flavour)


def operator(case, array, size):
    """The forward operator of a trace, by its name."""
    if "inp" in case:
        return Inpainting(array)
    if "sr" in case:
        return SuperResolution(array, size)
    return (GaussianDeblurring if case.endswith("gaussian") else OtherDeblurring)(array, size)


def sampler(case, array, size, meta, dtype=torch.float32):
    """The sampler that a trace's remarks describe."""
    ram = initial_network(meta["RAM"], dtype) if "RAM" in meta else None
    return PublishedSampler(
        adapted_network(dtype), operator(case, array.to(dtype), size), json.loads(meta["HQS"]),
        meta["sigma_model_used"], meta["eta"], meta["N"], meta["K"], ram)


def run(fixture):
    image, array = fixture.tensor("image"), fixture.tensor("kernel_or_mask")
    published = sampler(fixture.case, array, image.shape[-2:], fixture.meta)
    noise = iter([fixture.tensor(name) for name in sorted(fixture.stored) if name.startswith("noise/")])
    with torch.no_grad():
        y = published.operator.observe(image, next(noise), published.sigma)
        fixture.put("y", y, TOLERANCE)
        for name, value in published.run(y, noise).items():
            fixture.put(name, value, TOLERANCE)
