#!/usr/bin/env python3
"""Compares exported checkpoints with the original in the libraries people load them with: torch, safetensors, NumPy.

    check-with-python.py ORIGINAL EXPORTED...

Every tensor must have the original's type, shape and bits. A .ud2w may lack names that are aliases, a .npz the types that
NumPy lacks. Exits with 1 and says what differs, else prints how many tensors of each file were compared.
"""
import json
import os
import sys

import numpy
import torch
from safetensors.torch import load_file


def content(tensor):
    if tensor.numel() == 0:
        return b""
    return tensor.contiguous().reshape(1, -1).view(torch.uint8).numpy().tobytes()


def load(path):
    """Tensors by name, and whether names of tied tensors may be missing."""
    if path.endswith(".pt"):
        mapped = torch.load(path, weights_only=True, mmap=True)
        whole = torch.load(path, weights_only=True)
        assert list(mapped) == list(whole)
        return whole, False
    if path.endswith(".npz"):
        with numpy.load(path, allow_pickle=False) as archive:
            return {name: torch.from_numpy(archive[name]) for name in archive.files}, False
    if path.endswith(".index.json"):
        tensors = {}
        with open(path) as file:
            index = json.load(file)
        for shard in sorted(set(index["weight_map"].values())):
            part = load_file(os.path.join(os.path.dirname(path), shard))
            for name in part:
                assert index["weight_map"][name] == shard, name
            tensors.update(part)
        assert set(tensors) == set(index["weight_map"])
        return tensors, False
    if path.endswith(".ud2w"):
        # The library goes by content; the suffix is ours.
        return load_file(path), True
    return load_file(path), False


def main():
    original = torch.load(sys.argv[1], weights_only=True)
    failures = []
    for path in sys.argv[2:]:
        tensors, may_lack_ties = load(path)
        missing = set(original) - set(tensors)
        if may_lack_ties:
            kept = {original[name].untyped_storage().data_ptr() for name in tensors}
            missing = {name for name in missing if original[name].untyped_storage().data_ptr() not in kept}
        failures += [f"{path}: {name} is missing" for name in sorted(missing)]
        failures += [f"{path}: {name} is not in the original" for name in sorted(set(tensors) - set(original))]
        for name in sorted(set(tensors) & set(original)):
            left, right = original[name], tensors[name]
            if left.dtype != right.dtype or left.shape != right.shape or content(left) != content(right):
                failures.append(f"{path}: {name} differs")
        print(f"{os.path.basename(path)}: {len(tensors)} tensors")
    for failure in failures:
        print(failure, file=sys.stderr)
    sys.exit(1 if failures else 0)


main()
