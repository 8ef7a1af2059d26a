#!/usr/bin/env python3
"""Check a full-size ADM-256 network against PyTorch: convert, run, compare.

Builds the 552,814,086-parameter network of `256x256_diffusion_uncond` with seeded random weights, saves it with
torch.save (2.2 GB in a temporary folder), converts it with ud2m-convert, runs `ud2m forward`, and compares with
PyTorch on the same input. Needs torch, numpy and safetensors, about 10 GB of memory and a few minutes:

    python3 -m venv .venv && .venv/bin/pip install torch safetensors numpy
    .venv/bin/python scripts/full-size-parity.py [--size 64] [--bin .build/release]
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests" / "Fixtures"))

from reference_adm import ADM  # noqa: E402

CONFIG = {
    "in_channels": 3, "out_channels": 6, "model_channels": 256, "channel_mult": [1, 1, 2, 2, 4, 4],
    "num_res_blocks": 2, "attention_resolutions": [8, 16, 32], "num_head_channels": 64,
    "use_scale_shift_norm": True, "resblock_updown": True,
}
PARAMETERS = 552_814_086


def timed(label, work):
    start = time.perf_counter()
    result = work()
    print(f"{label}: {time.perf_counter() - start:.2f} s", flush=True)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64, help="side of the square input, a multiple of 32")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build" / "release")
    parser.add_argument("--tolerance", type=float, default=3e-5, help="largest absolute difference, outputs near ±2.5")
    arguments = parser.parse_args()

    torch.manual_seed(7)
    network = ADM(CONFIG).eval()
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS
    x = torch.randn(1, 3, arguments.size, arguments.size)
    t = torch.tensor([321])
    with torch.no_grad():
        expected = timed("PyTorch", lambda: network(x, t)[0]).numpy()

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        torch.save(network.state_dict(), folder / "adm.pt")
        save_file({"x": x.numpy(), "t": t.numpy()}, folder / "in.safetensors")
        tools = arguments.bin
        timed("convert", lambda: subprocess.run(
            [tools / "ud2m-convert", folder / "adm.pt", folder / "adm.ud2w"], check=True))
        timed("forward (with loading)", lambda: subprocess.run(
            [tools / "ud2m", "forward", folder / "adm.ud2w", "--input", folder / "in.safetensors",
             "--output", folder / "out.safetensors"], check=True))
        found = load_file(folder / "out.safetensors")["out"]

    difference = float(np.abs(found - expected).max())
    relative = float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
    print(f"torch {torch.__version__}, {arguments.size}x{arguments.size}: "
          f"largest difference {difference:.2e}, relative {relative:.2e}, output std {expected.std():.2f}")
    sys.exit(0 if difference <= arguments.tolerance else 1)


if __name__ == "__main__":
    main()
