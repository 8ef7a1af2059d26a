"""The full-size networks: how each is built in PyTorch, its input, and what `ud2m forward` is to give.

Weights come from the portable generator, whose only seed is the names; inputs are seeded. A network is made without
storage first, so that its weights exist once.
"""

import json
from dataclasses import dataclass, field

import torch

import ud2m  # noqa: F401  (finds Tests/Fixtures)
from fixture_files import tapped
from linear_operators import Blur, Downsampling, Identity, bicubic_kernel, gaussian_kernel
from portable import portable_state
from reference_adm import ADM
from reference_ddpm import DDPM
from reference_discriminator import Discriminator
from reference_inception import Inception
from reference_ram import RAM
from reference_vgg import SqueezeNet, VGG16

ADM_256 = {
    "in_channels": 3, "out_channels": 6, "model_channels": 256, "channel_mult": [1, 1, 2, 2, 4, 4],
    "num_res_blocks": 2, "attention_resolutions": [8, 16, 32], "num_head_channels": 64,
    "use_scale_shift_norm": True, "resblock_updown": True,
}
DDPM_256 = {
    "resolution": 256, "in_channels": 3, "out_ch": 3, "ch": 128, "ch_mult": [1, 1, 2, 2, 4, 4],
    "num_res_blocks": 2, "attn_resolutions": [16],
}


@dataclass
class Run:
    """One call of `ud2m forward`: its inputs, options and files, and the outputs expected of it."""

    label: str
    inputs: dict
    expected: dict
    options: list = field(default_factory=list)
    files: dict = field(default_factory=dict)


@dataclass
class Case:
    """A network. `make` builds it, `runs` gives its runs for a side in pixels."""

    name: str
    parameters: int
    size: int
    make: object
    runs: object
    case: str = ""

    def build(self):
        """The network with portable weights, and its state dict, which shares their memory."""
        with torch.device("meta"):
            network = self.make()
        state = {}
        for name, value in portable_state(network, self.case or self.name).items():
            # Counters of batch norm have no values yet.
            state[name] = torch.zeros(value.shape, dtype=value.dtype) if value.is_meta else value
        network.load_state_dict(state, assign=True)
        count = sum(value.numel() for value in network.parameters())
        if count != self.parameters:
            raise RuntimeError(f"{self.name} has {count} parameters instead of {self.parameters}")
        return network.eval(), state


def like(network, value):
    """The value in the network's element type, double precision with `run.py --double`."""
    return value.to(next(network.parameters()).dtype)


def noise(*shape, seed=7):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def image(*shape, seed=11):
    """A smooth image in [0,1] with some texture."""
    *batch, height, width = shape
    coarse = torch.rand(*batch, 6, 6, generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    return (smooth + 0.05 * noise(*shape, seed=seed)).clamp(0, 1)


def denoiser_runs(network, size):
    x, t = noise(1, 3, size, size), torch.tensor([321])
    out = network(like(network, x), t)
    return [Run(f"{size}×{size}", {"x": x, "t": t}, {"out": out[0] if isinstance(out, tuple) else out})]


VGG_TAPS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
SQUEEZENET_TAPS = tuple(f"relu{index}" for index in range(1, 8))


def classifier_runs(network, size):
    """Class scores, and the features that LPIPS reads."""
    x = noise(1, 3, size, size)
    taps = VGG_TAPS if isinstance(network, VGG16) else SQUEEZENET_TAPS
    given = like(network, x)
    expected = dict(zip(taps, network.features_at_taps(given), strict=True)) | {"out": network(given)}
    return [Run(f"{size}×{size}", {"x": x}, expected, ["--taps", *taps])]


def inception_runs(network, size):
    x = 2 * image(1, 3, size, size) - 1
    return [Run(f"{size}×{size}", {"x": x}, {"out": network(like(network, x))})]


def discriminator_runs(network, size):
    x, y = noise(1, 3, size, size), noise(1, 3, size, size, seed=8)
    kept = (f"encoder_layers.{len(network.encoder_layers) - 1}", "dense_layer.1")
    with tapped(network) as taps:
        expected = {"out": network(like(network, x), like(network, y))} | {name: taps[name] for name in kept}
    return [Run(f"{size}×{size}", {"x": x, "y": y}, expected, ["--taps", *kept])]


def ram_runs(network, size):
    """Three operators in both flavours: denoising with padding, deblurring, super-resolution of an even kernel."""
    sigma = 0.03
    kernel = {"kind": "gaussian", "size": 5, "variance": 3.0}
    problems = [
        ("denoise", size - 5, Identity(), None),
        ("deblur", size, Blur(gaussian_kernel(5)), {"task": "deblur", "kernel": kernel}),
        ("super-resolution ×4", size, Downsampling(bicubic_kernel(4), 4),
         {"task": "sr", "kernel": {"kind": "bicubic"}, "factor": 4}),
    ]
    runs = []
    for label, side, operator, specification in problems:
        y = operator.forward(image(1, 3, side, side))
        y = y + sigma * noise(*y.shape)
        for flavour in ("original", "deepinv"):
            options, files = ["--sigma", sigma, "--flavour", flavour], {}
            if specification:
                files["operator.json"] = json.dumps({"version": 1, "sigma": sigma} | specification)
                options += ["--operator", "operator.json"]
            out = network(y, operator, sigma, flavour=flavour)
            runs.append(Run(f"{label}, {flavour}, {side}×{side}", {"y": y}, {"out": out}, options, files))
    return runs


CASES = {case.name: case for case in (
    Case("adm", 552_814_086, 64, lambda: ADM(ADM_256), denoiser_runs, "adm_256"),
    Case("ddpm", 113_673_219, 64, lambda: DDPM(DDPM_256), denoiser_runs),
    Case("ram", 35_618_953, 64, RAM, ram_runs),
    Case("vgg16", 138_357_544, 64, lambda: VGG16(classifier=(4096, 1000)), classifier_runs),
    Case("squeezenet", 1_235_496, 64, lambda: SqueezeNet(classes=1000), classifier_runs),
    Case("inception", 23_850_960, 299, Inception, inception_runs),
    Case("discriminator", 762_209, 256, lambda: Discriminator(256, 3), discriminator_runs, "disc"),
)}
