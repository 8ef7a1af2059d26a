#!/usr/bin/env python3
"""Make the fixtures of the precisions' errors: outputs of the small ADM networks in double precision.

`adm/NAME.exact.safetensors` holds, for every `adm/NAME.io.safetensors`, one image of 42×26 pixels, which no tile of a
Winograd convolution divides on either level, the other inputs of the first item, and the output computed in float64 with
the same float32 weights and the timestep's embedding as PyTorch has it in float32, rounded once. `pytorch` is its output
in float32.

    .venv/bin/pip install torch safetensors numpy
    .venv/bin/python Tests/Fixtures/make_precision.py
"""

import json

import torch
from safetensors.torch import save_file

from fixture_files import HERE, Fixture
from portable import fill, uniform
from reference_adm import ADM

HEIGHT, WIDTH = 42, 26


def image(case, name, like, height, width):
    """A seeded image with the channels and the range of a stored one."""
    channels = like.shape[1]
    values = torch.from_numpy(uniform(f"{case}:exact:{name}", channels * height * width)).float()
    return (values * 12**0.5 * like.std()).reshape(1, channels, height, width)


def main():
    for path in sorted((HERE / "adm").glob("*.io.safetensors")):
        fixture = Fixture(path)
        config = json.loads(fixture.meta["config"])
        if "low_res" in fixture.stored:
            config["in_channels"] *= 2
        network = ADM(config).eval()
        fill(network, fixture.case)
        inputs = {name: fixture.tensor(name)[:1] for name in ("t", "y") if name in fixture.stored}
        inputs["x"] = image(fixture.case, "x", fixture.tensor("x"), HEIGHT, WIDTH)
        if "low_res" in fixture.stored:
            inputs["low_res"] = image(fixture.case, "low_res", fixture.tensor("low_res"), HEIGHT // 3, WIDTH // 2)
        with torch.no_grad():
            single = network(**inputs)[0]
            wide = {name: value.double() if name in ("x", "low_res") else value for name, value in inputs.items()}
            exact = network.double()(**wide)[0]
        error = (single.double() - exact).square().mean().sqrt() / exact.square().mean().sqrt()
        print(f"{fixture.case}: PyTorch's relative rms in float32 is {error:.2e}")
        tensors = inputs | {"out": exact.float(), "pytorch": single}
        save_file({name: value.contiguous() for name, value in tensors.items()},
                  HERE / "adm" / f"{fixture.case}.exact.safetensors")


if __name__ == "__main__":
    main()
