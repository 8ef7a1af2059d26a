"""One measurement of PEFT for `lora_full.py`: loads the layers, does the work, writes its seconds and error to a file."""

import sys
import time

import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch import nn


def network(tensors):
    """A module of each adapted layer, under the names of the network."""
    root = nn.Module()
    for name, weight in tensors.items():
        *path, last = name.removesuffix(".weight").split(".")
        place = root
        for part in path:
            if not hasattr(place, part):
                place.add_module(part, nn.Module())
            place = getattr(place, part)
        if weight.dim() == 3:
            layer = nn.Conv1d(weight.shape[1], weight.shape[0], 1, bias=False)
        else:
            layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        layer.weight = nn.Parameter(weight)
        place.add_module(last, layer)
    return root


def main():
    work, layers, adapter, report = sys.argv[1:]
    tensors = load_file(layers)
    model = PeftModel.from_pretrained(network({name: value.flatten(1) for name, value in tensors.items()}
                                              if work == "svd" else tensors), adapter)
    start = time.perf_counter()
    if work == "merge":
        model.merge_and_unload()
    else:
        # Of a single adapter PEFT only makes a copy; twice half of it is decomposed.
        model.load_adapter(adapter, adapter_name="again")
        start = time.perf_counter()
        model.add_weighted_adapter(["default", "again"], [0.5, 0.5], "small", combination_type="svd", svd_rank=8)
    seconds = time.perf_counter() - start
    error, norm = 0.0, 0.0
    if work == "svd":
        with torch.no_grad():
            for module in model.modules():
                if hasattr(module, "lora_A") and "small" in module.lora_A:
                    full, small = (module.get_delta_weight(name).double() for name in ("default", "small"))
                    error += float(((full - small) ** 2).sum())
                    norm += float((full ** 2).sum())
    with open(report, "w") as file:
        file.write(f"{seconds} {(error / norm) ** 0.5 if norm else 0.0}")


if __name__ == "__main__":
    main()
