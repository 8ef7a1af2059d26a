#!/usr/bin/env python3
"""Makes `operators/`: values of the paper's code, from a folder of its outputs, and libjpeg's quantisation tables.

    python3 make_operators.py GOLDEN    # GOLDEN holds physics/ and prox/ with the outputs of UD2M a10f9f8
    python3 make_operators.py           # the tables alone

`generate.py operators` computes the same values again without that code. The tables are those that Pillow's
libjpeg-turbo writes for every quality; Pillow gives them row-major.
"""

import io
import pathlib
import sys

import numpy as np
from PIL import Image
from PIL import __version__ as pillow
from safetensors import safe_open
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).parent / "operators"


def tables():
    result = np.zeros((100, 2, 64), np.uint8)
    for quality in range(1, 101):
        file = io.BytesIO()
        Image.new("RGB", (16, 16)).save(file, "JPEG", quality=quality)
        written = Image.open(file).quantization
        result[quality - 1] = [written[0], written[1]]
    save_file({"tables": result}, FOLDER / "jpeg_tables.safetensors", metadata={"pillow": pillow})


def load(path):
    with safe_open(path, "numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


def reference(golden):
    physics, metadata = load(golden / "physics/forward.io.safetensors")
    kernels, _ = load(golden / "physics/kernels.safetensors")
    kept = {name: value for name, value in physics.items() if name == "x" or name.split("/")[-1] in
            ("Ax", "ATx", "AT_up", "decoded", "kernel") or name.startswith("sr_") and name.endswith("/y")}
    kept["sr_gaussian/kernel"] = kernels["gaussian_3_var3"]
    kept["sr_bicubic/kernel"] = kernels["bicubic_sf4"]
    save_file(kept, FOLDER / "forward.io.safetensors", metadata=metadata)
    step, metadata = load(golden / "prox/jpeg_qf10.io.safetensors")
    for name in ("image", "code_adam3", "code_gd10"):
        del step[name]
    save_file(step, FOLDER / "jpeg_qf10.io.safetensors", metadata=metadata)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    tables()
    if len(sys.argv) > 1:
        reference(pathlib.Path(sys.argv[1]))
