#!/usr/bin/env python3
"""Compares what `ud2m-convert inspect` says of checkpoints with what PyTorch loads, tensor by tensor.

    find … | compare-with-torch.py UD2M_CONVERT

Reads paths from standard input and prints a table line for each. Every tensor that PyTorch delivers must be reported
under the same path with the same type, shape and SHA-256, and none besides. Exits with 1 when something differs.
"""
import hashlib
import json
import os
import subprocess
import sys

import torch
from safetensors.torch import load_file

NAMES = {
    torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}


def tensors(value, path=()):
    """Every tensor in a structure of mappings and sequences, with its path."""
    if isinstance(value, torch.Tensor):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from tensors(item, path + (str(key),))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from tensors(item, path + (str(index),))


def described(tensor):
    dense = tensor.detach().contiguous()
    data = dense.reshape(-1).view(torch.uint8).numpy().tobytes() if dense.numel() else b""
    return NAMES[tensor.dtype], list(tensor.shape), hashlib.sha256(data).hexdigest()


def scripted(module, names):
    """The state dict of a TorchScript module, and those of `names` that are plain attributes, which it lacks."""
    found = dict(module.state_dict())
    for name in names:
        value = module
        for part in name.split("."):
            value = getattr(value, part, None)
        if isinstance(value, torch.Tensor):
            found.setdefault(name, value)
    return {name: described(tensor) for name, tensor in found.items()}


def expected(path, names):
    """What PyTorch finds: descriptions by dotted name; `names` are those that the tool reports."""
    if path.endswith(".safetensors"):
        found = load_file(path)
    else:
        try:
            # torch.load itself tells a TorchScript archive from others, and refuses it or hands it on.
            found = torch.load(path, map_location="cpu", weights_only=True)
        except RuntimeError:
            found = torch.jit.load(path, map_location="cpu")
        if isinstance(found, torch.jit.ScriptModule):
            return scripted(found, names)
    return {".".join(path): described(tensor) for path, tensor in tensors(found)}


def main():
    failed = False
    print("| file | container | tensors | bytes | result |\n|---|---|---|---|---|")
    for path in sys.stdin.read().split("\n"):
        if not path:
            continue
        run = subprocess.run(
            [sys.argv[1], "inspect", "--json", "--digests", "--all", path], capture_output=True, text=True)
        label = "/".join(path.split(os.sep)[-3:])
        if run.returncode != 0:
            failed = True
            print(f"| {label} | | | | exit {run.returncode}: {run.stderr.strip()} |")
            continue
        report = json.loads(run.stdout)
        ours = {".".join(t["path"]): (t["dtype"], t["shape"], t["sha256"]) for t in report["tensors"]}
        # Constants of TorchScript code are in the file but in no state dict, so PyTorch gives nothing to compare with.
        constants = [n for n in ours if report["container"] == "torchscript" and n.startswith("@constants.")]
        for name in constants:
            del ours[name]
        theirs = expected(path, ours)
        differing = sorted(n for n in set(ours) | set(theirs) if ours.get(n) != theirs.get(n))
        result = "identical" if not differing else f"{len(differing)} differ, first {differing[0]}"
        if constants:
            result += f", {len(constants)} code constants not compared"
        if report["skipped"]:
            result += f", {len(report['skipped'])} skipped"
        failed |= bool(differing)
        size = sum(t["bytes"] for t in report["tensors"])
        print(f"| {label} | {report['container']} | {len(ours)} | {size} | {result} |")
    sys.exit(1 if failed else 0)


main()
