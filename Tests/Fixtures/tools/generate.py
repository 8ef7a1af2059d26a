#!/usr/bin/env python3
"""Makes the checkpoints that the tests of ud2m-convert's subcommands read, and what they must hold.

Run it in this folder with an interpreter that has torch; every file is committed, so the tests do not.
"""
import collections
import hashlib
import json
import os

import torch

DTYPES = (
    "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex64 complex128 uint16 uint32 uint64 "
    "float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2"
).split()
SAFETENSORS = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32",
    "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL", "complex64": "C64", "uint16": "U16",
    "uint32": "U32", "uint64": "U64", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2",
    "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ", "float8_e8m0fnu": "F8_E8M0",
    "float4_e2m1fn_x2": "F4",
}


def tensor(name):
    dtype = getattr(torch, name)
    if name.startswith(("float8", "float4")):
        return torch.randint(0, 256, (3, 6), dtype=torch.uint8).view(dtype)
    if name == "bool":
        return torch.rand(3, 6) > 0.5
    if "int" in name:
        return torch.randint(0, 100, (3, 6)).to(dtype)
    return torch.randn(3, 6, dtype=torch.complex128 if "complex" in name else torch.float64).to(dtype)


def state_dict():
    state = collections.OrderedDict((f"types.{name}", tensor(name)) for name in DTYPES)
    tied = torch.randn(10, 20)
    state["tied.first"] = tied
    state["tied.second"] = tied
    state["transposed"] = torch.randn(4, 6).t()
    state["sliced"] = torch.randn(8, 8)[2:5, 1::2]
    state["expanded"] = torch.randn(1, 3).expand(4, 3)
    state["scalar"] = torch.tensor(3.5)
    state["empty"] = torch.zeros(0, 4)
    state["special"] = torch.tensor([1.0, -2.0, 0.0, -0.0, float("nan"), float("inf"), float("-inf"), 70000.0])
    for index in range(3):
        state[f"layers.{index}.weight"] = torch.randn(3, 3)
        state[f"layers.{index}.bias"] = torch.randn(3)
    return state


def describe(tensor):
    name = str(tensor.dtype).removeprefix("torch.")
    data = tensor.contiguous().reshape(1, -1)
    shape = list(tensor.shape)
    if name == "float4_e2m1fn_x2":
        shape[-1] *= 2
    content = data.view(torch.uint8).numpy().tobytes() if data.numel() else b""
    return {"dtype": SAFETENSORS.get(name, name), "shape": shape, "sha256": hashlib.sha256(content).hexdigest()}


class RunsCode:
    def __reduce__(self):
        return os.system, ("true",)


class Settings:
    def __init__(self):
        self.rate = 0.1


def main():
    torch.manual_seed(3)
    state = state_dict()
    torch.save(state, "types.pt")
    moments = torch.randn(3)
    extra = [torch.ones(2), torch.arange(3)]
    torch.save(
        {
            "state_dict": {f"module.{name}": value for name, value in state.items()},
            "optimizer": {"state": {0: {"exp_avg": moments}}},
            "extra": extra,
        },
        "wrapped.pt",
    )
    torch.save({"weight": torch.ones(2), "payload": RunsCode()}, "dangerous.pt")
    torch.save({"weight": torch.ones(2), "hook": os.system}, "suspicious.pt")
    torch.save({"weight": torch.ones(2), "settings": Settings()}, "unknown-class.pt")
    # Parts of these get names that other tensors have already.
    torch.save(
        {
            "coo": torch.eye(3).to_sparse(), "coo.indices": torch.ones(2),
            "n": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), "n.0": torch.zeros(1),
        },
        "part-names.pt",
    )
    manifest = {
        "torch": torch.__version__,
        "state": {name: describe(value) for name, value in state.items()},
        "others": [
            {"path": ["optimizer", "state", "0", "exp_avg"], **describe(moments)},
            {"path": ["extra", "0"], **describe(extra[0])},
            {"path": ["extra", "1"], **describe(extra[1])},
        ],
    }
    with open("manifest.json", "w") as file:
        json.dump(manifest, file, indent=1)
        file.write("\n")


main()
