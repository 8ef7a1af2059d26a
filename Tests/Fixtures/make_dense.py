#!/usr/bin/env python3
"""What the quantised and sparse fixtures stand for, computed by torch: `checkpoints/dense.safetensors`.

Run it in this folder with an interpreter that has torch and safetensors; the result is committed, so the tests do not.
Names are those of the fixtures' tensors, with the fixture's name before them.
"""
import pathlib

import torch
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).parent / "checkpoints"


def main():
    dense = {}
    for fixture in ("zip-quantised", "legacy-quantised", "zip-sparse", "legacy-sparse"):
        for name, tensor in torch.load(FOLDER / f"{fixture}.pt", weights_only=False).items():
            whole = tensor.dequantize() if tensor.is_quantized else tensor.to_dense()
            dense[f"{fixture}/{name}"] = whole.contiguous().clone()
    save_file(dense, FOLDER / "dense.safetensors", metadata={"torch": torch.__version__})
    for name, tensor in dense.items():
        print(name, tuple(tensor.shape), tensor.dtype)


main()
