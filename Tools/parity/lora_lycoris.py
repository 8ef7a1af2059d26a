"""LyCORIS' LoHa and LoKr with another alpha than the rank, for `lora.py`: merged weights against its own forward pass.

Its `merge_to` is no measure there: it multiplies by (alpha / r)² where its forward pass has alpha / r.
"""

import importlib.util

import torch
from safetensors.torch import load_file, save_file
from torch import nn

NEAR = 3e-6
CASES = {
    "LoHa": {"algo": "loha"},
    "LoKr, right side in factors": {"algo": "lokr", "factor": 2},
    "LoKr, both sides in factors": {"algo": "lokr", "factor": 8, "decompose_both": True},
}


def network():
    torch.manual_seed(0)
    return nn.ModuleDict({"first": nn.Linear(64, 64), "second": nn.Linear(64, 128)})


def lycoris_cases(tools, folder):
    if importlib.util.find_spec("lycoris") is None:
        yield {"case": "LyCORIS", "what": "forward", "remark": "not installed", "fine": True}
        return
    from lycoris import LycorisNetwork, create_lycoris
    LycorisNetwork.apply_preset({"target_module": ["Linear"], "target_name": [".*"]})
    base = folder / "lycoris-base.safetensors"
    save_file(network().state_dict(), base)
    for case, options in CASES.items():
        model = network()
        adapter = create_lycoris(model, 1.0, linear_dim=3, linear_alpha=2, **options)
        adapter.apply_to()
        torch.manual_seed(1)
        with torch.no_grad():
            for value in adapter.parameters():
                value.add_(0.3 * torch.randn_like(value))
            adapter.eval()
            path = folder / "lycoris.safetensors"
            save_file({name: value.contiguous() for name, value in adapter.state_dict().items()}, path)
            tools.run("ud2m-lora", "merge", base, path, "-o", folder / "merged.safetensors", "--force", "-q")
            merged = load_file(folder / "merged.safetensors")
            largest, error, norm = 0.0, 0.0, 0.0
            for name, layer in model.items():
                # The layer's matrix, column by column.
                weight = (layer(torch.eye(layer.in_features)) - layer(torch.zeros(1, layer.in_features))).T
                difference = (weight - merged[f"{name}.weight"]).double()
                largest = max(largest, float(difference.abs().max()))
                error += float((difference ** 2).sum())
                norm += float((weight.double() ** 2).sum())
        yield {"case": f"LyCORIS {case}, alpha 2 of rank 3", "what": "LyCORIS → ours, against its forward",
               "largest difference": largest, "relative error": (error / norm) ** 0.5, "remark": None,
               "fine": largest <= NEAR}
