#!/usr/bin/env python3
"""Recompute the network fixtures with PyTorch, from independent implementations of the networks.

The committed `*/*.io.safetensors` hold inputs, outputs and inner activations that the original implementations gave
for weights of the portable generator (`portable.py`). This script builds the same weights, runs the networks of the
`reference_*.py` files on the stored inputs, and compares: two implementations that agree are evidence that a fixture
is right. With --write it replaces the stored outputs by its own, and makes the container fixtures of ADM.

    python3 -m venv .venv && .venv/bin/pip install torch safetensors numpy scipy pillow
    .venv/bin/python Tests/Fixtures/generate.py            # compare everything
    .venv/bin/python Tests/Fixtures/generate.py ddpm ram   # compare some folders
    .venv/bin/python Tests/Fixtures/generate.py --write    # compare, then rewrite

Seeds are fixed: weights depend on the case and tensor name only. `VERSIONS.json` in each folder says with which
versions its files were made or last compared by --write.
"""

import argparse
import json
import sys

import numpy as np
import torch

import cases_adm
import cases_ddpm
import cases_discriminator
import cases_inception
import cases_lpips
import cases_operators
import cases_ram
import cases_sampler
from fixture_files import HERE, Fixture

MODULES = (
    cases_adm, cases_ddpm, cases_ram, cases_lpips, cases_inception, cases_discriminator, cases_operators, cases_sampler)
CASES = {m.FOLDER: m for m in MODULES}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", metavar="folder", help=f"any of {', '.join(CASES)}; all by default")
    parser.add_argument("--write", action="store_true", help="rewrite outputs and containers")
    arguments = parser.parse_args()
    if unknown := set(arguments.folders) - set(CASES):
        parser.error(f"no such folder: {', '.join(sorted(unknown))}")
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    is_fine = True
    for folder in arguments.folders or CASES:
        module = CASES[folder]
        for path in sorted((HERE / folder).glob(getattr(module, "PATTERN", "*.io.safetensors"))):
            fixture = Fixture(path)
            state = module.run(fixture)
            is_fine &= fixture.check()
            if arguments.write:
                fixture.write()
                if hasattr(module, "write_checkpoints"):
                    module.write_checkpoints(fixture.case, state)
        if arguments.write:
            versions = {"torch": torch.__version__, "numpy": np.__version__}
            (HERE / folder / "VERSIONS.json").write_text(json.dumps(versions, indent=2, sort_keys=True) + "\n")
    sys.exit(0 if is_fine else 1)


if __name__ == "__main__":
    main()
