#!/usr/bin/env python3
"""Make the fixture of input pipelines and of the kernel distance with the original packages.

`inception/pipelines.io.safetensors`: what pytorch-fid, torch-fidelity, torchmetrics and clean-fid hand to their first
convolution for one image that is enlarged in one direction and shrunk in the other (every 37th row and 41st column),
and the kernel distance of two sets of features. `generate.py inception` computes it again.

    .venv/bin/pip install pytorch-fid torch-fidelity torchmetrics clean-fid
    .venv/bin/python Tests/Fixtures/make_inception.py
"""

import json
from importlib.metadata import version

import cleanfid.fid
import cleanfid.resize
import pytorch_fid.inception
import torch
from safetensors.torch import save_file
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.metric_kid import mmd2, kernel_poly
from torchmetrics.image.fid import NoTrainInceptionV3
from torchmetrics.image.kid import poly_mmd

from cases_inception import rows
from fixture_files import HERE, Fixture
from portable import portable_state, uniform
from reference_inception import Inception

HEIGHT, WIDTH = 360, 48


def first_input(network, layer, call):
    """What reaches `layer` when `call` runs the network."""
    found = []
    handle = layer.register_forward_pre_hook(lambda module, inputs: found.append(inputs[0].detach().clone()))
    with torch.no_grad():
        call(network)
    handle.remove()
    return found[0]


def main():
    torch.use_deterministic_algorithms(True)
    noise = torch.from_numpy(uniform("inception:levels", 3 * HEIGHT * WIDTH)).float().reshape(1, 3, HEIGHT, WIDTH)
    coarse = torch.nn.functional.interpolate(noise[..., :24, :12], (HEIGHT, WIDTH), mode="bicubic")
    levels = (128 + 200 * coarse + 60 * noise).clamp(0, 255).round().to(torch.uint8)

    state = portable_state(Inception(), "inception")
    pytorch_fid.inception.load_state_dict_from_url = lambda *_, **__: state
    weights = HERE / "inception" / "full.pth"
    torch.save(state, weights)
    try:
        first = pytorch_fid.inception.InceptionV3([0]).eval()
        second = FeatureExtractorInceptionV3("inception-v3-compat", ["64"], str(weights)).eval()
        third = NoTrainInceptionV3("inception-v3-compat", ["64"], str(weights))
    finally:
        weights.unlink()
    out = {
        "pytorch_fid": first_input(first, first.blocks[0][0], lambda n: n(levels.float() / 255)),
        "torch_fidelity": first_input(second, second.Conv2d_1a_3x3, lambda n: n(levels)),
        "torchmetrics_antialias": first_input(third, third.Conv2d_1a_3x3, lambda n: n(levels)),
    }
    resize = cleanfid.resize.build_resizer("clean")
    resized = torch.from_numpy(resize(levels[0].permute(1, 2, 0).numpy())).permute(2, 0, 1)[None]
    out["clean_fid"] = (resized - 128) / 128
    out = {name: rows(value).contiguous() for name, value in out.items()}

    stored = Fixture(HERE / "inception" / "inception_slim16.io.safetensors").stored
    a, b = (torch.from_numpy(stored[f"fid_feats_{side}"][:40]).double() for side in "ab")
    kernels = [kernel_poly(x.numpy(), y.numpy(), kid_kernel_poly_degree=3, kid_kernel_poly_gamma=None,
                           kid_kernel_poly_coef0=1) for x, y in ((a, a), (a, b), (b, b))]
    value = torch.tensor([mmd2(*kernels)], dtype=torch.float64)
    assert abs(value.item() - poly_mmd(a, b).item()) < 1e-12
    other = cleanfid.fid.kernel_distance(a.numpy(), b.numpy(), num_subsets=1, max_subset_size=40)
    assert abs(value.item() - other) < 1e-12
    out |= {"levels": levels, "kid_feats_a": a.float(), "kid_feats_b": b.float(), "kid_value_f64": value}

    packages = ("torch", "pytorch-fid", "torch-fidelity", "torchmetrics", "clean-fid", "pillow")
    save_file(out, HERE / "inception" / "pipelines.io.safetensors",
              metadata={"meta": json.dumps({name: version(name) for name in packages})})


if __name__ == "__main__":
    main()
