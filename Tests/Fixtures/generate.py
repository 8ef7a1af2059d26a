#!/usr/bin/env python3
"""Recompute the ADM fixtures with PyTorch, from this script's own implementation of the network.

The committed `adm/*.io.safetensors` hold inputs, outputs and inner activations that the reference implementation
(guided-diffusion) gave for weights of the portable generator below. This script builds the same weights, runs the
network of `reference_adm.py` on the stored inputs, and compares: two implementations that agree are evidence that
the fixture is right. With --write it replaces the stored outputs by its own, and makes the container fixtures.

    python3 -m venv .venv && .venv/bin/pip install torch safetensors numpy
    .venv/bin/python Tests/Fixtures/generate.py            # compare
    .venv/bin/python Tests/Fixtures/generate.py --write    # compare, then rewrite

Seeds are fixed: weights depend on the case and tensor name only. The torch version is recorded in `adm/VERSIONS.json`.
"""

import argparse
import json
import math
import pathlib
import sys

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from reference_adm import ADM

HERE = pathlib.Path(__file__).parent
MASK = (1 << 64) - 1
# float32 outputs of these networks differ from float64 ones by up to 3e-6, and between builds of torch by up to 8e-6.
TOLERANCE = 3e-5


def fnv1a64(text):
    """The 64-bit FNV-1a hash of UTF-8 text."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def uniform(key, count):
    """`count` numbers in [-0.5, 0.5): the top 24 bits of splitmix64 started at the key's hash."""
    steps = np.arange(1, count + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a64(key)) + steps * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / 2**24 - 0.5


def portable_weight(case, name, shape):
    """The weight of one tensor: scaled by its fan-in, or near one for gains, or small for biases."""
    values = uniform(f"{case}:{name}", math.prod(shape)).astype(np.float32)
    if len(shape) >= 2:
        values = values * np.float32(math.sqrt(12 / math.prod(shape[1:])))
    elif name.endswith("weight"):
        values = 1 + np.float32(0.3) * values
    else:
        values = np.float32(0.2) * values
    return torch.from_numpy(values.reshape(shape))


def fill(network, case):
    """Loads portable weights into a network and gives its state dict."""
    state = {name: portable_weight(case, name, tuple(value.shape)) for name, value in network.state_dict().items()}
    network.load_state_dict(state)
    return state


def read(path):
    """The tensors of a fixture and its metadata."""
    with safe_open(path, "numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


def compare(case, stored, computed):
    """Prints the largest difference and tells whether it is within the tolerance."""
    worst = 0.0
    for name, value in computed.items():
        expected = stored[name]
        if expected.shape != value.shape:
            sys.exit(f"{case}: {name} has shape {value.shape}, the fixture {expected.shape}")
        worst = max(worst, float(np.abs(expected - value).max()))
    missing = {name for name in stored if name == "out" or name.startswith("act/")} - set(computed)
    print(f"{case}: {len(computed)} tensors, largest difference {worst:.2e}")
    if missing:
        print(f"{case}: not computed: {sorted(missing)}")
    return worst <= TOLERANCE and not missing


def run(case, path):
    """Runs one case; gives what was stored, what was computed, and the weights."""
    stored, metadata = read(path)
    config = json.loads(json.loads(metadata["meta"])["config"])
    is_super_resolution = "low_res" in stored
    if is_super_resolution:
        config["in_channels"] *= 2
    network = ADM(config).eval()
    state = fill(network, case)
    inputs = {name: torch.from_numpy(stored[name]) for name in ("x", "t", "y", "low_res") if name in stored}
    with torch.no_grad():
        output, taps = network(**inputs)
    computed = {"out": output.numpy()}
    for name, value in taps.items():
        if f"act/{name}" in stored:
            # Inner activations are stored for the first item of the batch, the embedding for all.
            kept = value if name == "time_embed" else value[:1]
            computed[f"act/{name}"] = kept.numpy()
    if "out_fp16ckpt_fp32math" in stored:
        network.load_state_dict({name: value.float() for name, value in half_precision(state).items()})
        with torch.no_grad():
            computed["out_fp16ckpt_fp32math"] = network(**inputs)[0].numpy()
    return stored, metadata, computed, state


def half_precision(state):
    """The state dict as guided-diffusion's convert_to_fp16 leaves it: only convolutions of the three trunks."""
    trunks = ("input_blocks.", "middle_block.", "output_blocks.")
    convolutions = {n.rsplit(".", 1)[0] for n, v in state.items() if n.startswith(trunks) and v.ndim >= 3}
    return {n: v.half() if n.rsplit(".", 1)[0] in convolutions else v for n, v in state.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="rewrite outputs and containers")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    is_fine = True
    for path in sorted((HERE / "adm").glob("*.io.safetensors")):
        case = path.name.removesuffix(".io.safetensors")
        stored, metadata, computed, state = run(case, path)
        is_fine &= compare(case, stored, computed)
        if arguments.write:
            save_file(stored | computed, path, metadata=metadata)
            if case == "adm_a":
                torch.save(state, HERE / "adm" / "adm_a.pt")
            if case == "adm_c":
                torch.save(half_precision(state), HERE / "adm" / "adm_c_fp16.pt")
    if arguments.write:
        versions = {"torch": torch.__version__, "numpy": np.__version__}
        (HERE / "adm" / "VERSIONS.json").write_text(json.dumps(versions, indent=2, sort_keys=True) + "\n")
    sys.exit(0 if is_fine else 1)


if __name__ == "__main__":
    main()
