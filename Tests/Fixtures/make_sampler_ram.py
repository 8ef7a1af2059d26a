#!/usr/bin/env python3
"""Make the traces of the published sampler whose steps start from RAM: `sampler/trace_ram_*.io.safetensors`.

The paper's code at its last commit computes RAM's estimate and drops it (`sampler.md` §7.6), so that none of the traces
taken from that code has RAM. These come from `reference_sampler.py`. First it has to give the code's own five traces,
network and all, within `cases_sampler.TOLERANCE`, which shows that it is the same sampler; RAM with stacked
measurements is shown by `generate.py ram`. `generate.py sampler` computes all traces again.

    .venv/bin/python Tests/Fixtures/make_sampler_ram.py
"""

import json
import sys

import torch
from safetensors.torch import save_file

import cases_sampler
from fixture_files import HERE, TOLERANCE, Fixture
from linear_operators import bicubic_kernel, gaussian_kernel
from portable import uniform

# With some seeds the blur's conjugate gradient is so sensitive to rounding that `make` refuses the trace.
SEED = 1
FOLDER = HERE / cases_sampler.FOLDER
STEPS, ITERATIONS, FACTOR = 3, 3, 4
# Name, sides and RAM's flavour: UD2M imports the original. The blur and the mask are of sides that RAM pads, and the
# Gaussian kernel of the last is not the one that RAM sees.
CASES = [
    ("trace_ram_deblur_gaussian", (20, 12), "original"), ("trace_ram_deblur_uniform", (12, 16), "original"),
    ("trace_ram_inp_random", (12, 20), "original"),
    ("trace_ram_sr_bicubic", (16, 20), "original"), ("trace_ram_sr_gaussian", (16, 16), "deepinv")]


def validate():
    """Ends the program unless the code's own traces come out."""
    for path in sorted(set(FOLDER.glob("trace_*.io.safetensors")) - set(FOLDER.glob("trace_ram_*"))):
        fixture = Fixture(path)
        cases_sampler.run(fixture)
        if not fixture.check():
            sys.exit("the sampler is not the one that the paper's code has")


def picture(case, size):
    """Soft blobs in [-1,1]."""
    coarse = torch.from_numpy(uniform(case, 3 * 5 * 5)).float().reshape(1, 3, 5, 5)
    return 2 * torch.nn.functional.interpolate(coarse, size, mode="bicubic", align_corners=True).clamp(-0.5, 0.5)


def degradation(case, size, generator):
    """The mask, of which three in ten pixels are kept, or the kernel."""
    if "inp" in case:
        return (torch.rand(size, generator=generator) <= 0.3).float()
    if case.endswith("bicubic"):
        return bicubic_kernel(FACTOR)
    if case.endswith("uniform"):
        return torch.full((3, 3), 1 / 9)
    return gaussian_kernel(3 if "sr" in case else 5)


def trace(case, array, image, draws, meta, dtype):
    torch.set_default_dtype(dtype)
    published = cases_sampler.sampler(case, array, image.shape[-2:], meta, dtype)
    noise = iter([draw.to(dtype) for draw in draws])
    with torch.no_grad():
        y = published.operator.observe(image.to(dtype), next(noise), published.sigma)
        return {"y": y} | published.run(y, noise)


def make(case, size, flavour):
    generator = torch.Generator().manual_seed(SEED)
    image = picture(case, size)
    array = degradation(case, size, generator)
    observed = (1, 3, *(side // FACTOR for side in size)) if "sr" in case else image.shape
    # The measurement's, the first state's, K a step, and two of each transition.
    count = 1 + STEPS * ITERATIONS + 2 * (STEPS - 1)
    draws = [torch.randn(shape, generator=generator) for shape in [observed] + [image.shape] * count]
    scalars = {"SP_Param": 0.1, "LambdaSIG": -0.2, "TAUG": 0.0203, "TLAT": -0.0131}
    meta = {
        "HQS": json.dumps(scalars), "K": ITERATIONS, "N": STEPS, "RAM": flavour, "eta": 0.8, "seed": SEED,
        "sigma_model_passed": 0.025, "sigma_model_used": 0.05, "torch": torch.__version__,
        "model": "adm_a + LoRA of lora/ud2m.ckpt; RAM of the ram fixtures, x_init = RAM(y, x_t, t) at every step"}
    points = trace(case, array, image, draws, meta, torch.float32)
    exact = trace(case, array, image, draws, meta, torch.float64)
    torch.set_default_dtype(torch.float32)
    # So much must another implementation be allowed; more would make a bad fixture.
    difference = max(float((points[name].double() - exact[name]).abs().max()) for name in points)
    print(f"{case}: rounding to float32 moves no point by more than {difference:.1e}")
    if not difference < TOLERANCE:
        sys.exit("the trace depends on how numbers are rounded")
    tensors = {f"noise/{index:02}": draw for index, draw in enumerate(draws)} | points
    tensors |= {"image": image, "kernel_or_mask": array}
    save_file({name: value.contiguous().clone() for name, value in tensors.items()},
              FOLDER / f"{case}.io.safetensors", metadata={"meta": json.dumps(meta, sort_keys=True)})


def main():
    torch.use_deterministic_algorithms(True)
    validate()
    for case in CASES:
        make(*case)


if __name__ == "__main__":
    main()
