#!/usr/bin/env python3
"""Make the SqueezeNet LPIPS fixtures with the original packages: lpips, torchmetrics, pyiqa and torchvision.

`lpips/lpips_squeeze_slim16.io.safetensors`: inner features and every convention's distance for a SqueezeNet 1.1 whose
widths are divided by 16, with portable weights; `lpips/real_lin_v01_squeeze.io.safetensors`: the published v0.1 linear
weights (they ship with lpips) on random features of full width; `lpips/torchmetrics_squeeze_slim16.pth`: the slim network
as torchmetrics saves it; `lpips/vgg16_classifier.io.safetensors`: class scores
of torchvision's slim VGG-16. `generate.py lpips` then computes all of them with the code of this folder.

    .venv/bin/pip install lpips torchmetrics pyiqa torchvision
    .venv/bin/python Tests/Fixtures/make_lpips.py
"""

import json
import pathlib
from importlib.metadata import version

import lpips
import pyiqa.archs.lpips_arch as pyiqa_lpips
import torch
import torchmetrics.functional.image.lpips as torchmetrics_lpips
import torchvision
from safetensors.torch import save_file

from cases_lpips import slim_linears, slim_squeezenet_shape, slim_vgg_shape
from fixture_files import HERE
from portable import fill, uniform

SLICES = (2, 5, 8, 10, 11, 12, 13)


def slim_trunk():
    """torchvision's SqueezeNet 1.1 rebuilt from its own layers with slim widths."""
    trunk = torchvision.models.squeezenet1_1(weights=None)
    stem, fires = slim_squeezenet_shape()
    trunk.features[0] = torch.nn.Conv2d(3, stem, 3, stride=2)
    channels = stem
    places = [i for i, layer in enumerate(trunk.features) if type(layer).__name__ == "Fire"]
    for place, (squeeze, expand) in zip(places, fires, strict=True):
        trunk.features[place] = torchvision.models.squeezenet.Fire(channels, squeeze, expand, expand)
        channels = 2 * expand
    del trunk.classifier
    for layer in trunk.modules():
        if isinstance(layer, torch.nn.ReLU):
            layer.inplace = False
    fill(trunk, "squeezenet")
    return trunk.eval()


def slim_network(module, trunk, linears):
    """A package's own LPIPS for SqueezeNet, with its trunk and linear layers exchanged for slim ones."""
    cls = module._LPIPS if hasattr(module, "_LPIPS") else module.LPIPS
    network = cls(pretrained=False, net="squeeze", pnet_rand=True).eval()
    slices = network.net.slices if hasattr(network.net, "slices") else [
        getattr(network.net, f"slice{i + 1}") for i in range(7)]
    for part in slices:
        for index in list(part._modules):
            part._modules[index] = trunk.features[int(index)]
    for index, weight in enumerate(linears):
        layer = getattr(network, f"lin{index}")
        layer.model[1].weight = torch.nn.Parameter(weight.reshape(1, -1, 1, 1))
        assert network.lins[index] is layer
    network.chns = [len(weight) for weight in linears]
    return network


def smooth(key, height, width):
    """An image in [-0.9, 0.9] with detail at several scales."""
    planes = torch.zeros(2, 3, height, width)
    for size, gain in ((4, 1.0), (12, 0.5), (height, 0.2)):
        noise = torch.from_numpy(uniform(f"{key}:{size}", 6 * size * size)).float().reshape(2, 3, size, size)
        planes += gain * torch.nn.functional.interpolate(noise, (height, width), mode="bilinear")
    return planes.clamp(-0.9, 0.9)


def versions():
    return {name: version(name) for name in ("torch", "torchvision", "lpips", "torchmetrics", "pyiqa")}


def save(name, tensors, **meta):
    tensors = {key: value.detach().contiguous() for key, value in tensors.items()}
    save_file(tensors, HERE / "lpips" / f"{name}.io.safetensors", metadata={"meta": json.dumps(versions() | meta)})


def make_slim():
    trunk = slim_trunk()
    stem, fires = slim_squeezenet_shape()
    linears = slim_linears("lpips_squeeze", [stem] + [2 * fires[i][1] for i in (1, 3, 4, 5, 6, 7)])
    original, other, third = (slim_network(m, trunk, linears) for m in (lpips, torchmetrics_lpips, pyiqa_lpips))
    # 47 columns: the pools that round up then cover a last, incomplete window in one direction only.
    a = smooth("squeeze_a", 64, 47)
    b = (a + 0.25 * smooth("squeeze_b", 64, 47)).clamp(-1, 1)
    out = {"a": a, "b": b, "scaled_a": original.scaling_layer(a)}
    out |= {f"feat{i}": value for i, value in enumerate(original.net(out["scaled_a"]))}
    out["lpips"], layers = original(a, b, retPerLayer=True)
    out |= {f"layer{i}": value for i, value in enumerate(layers)}
    a01, b01 = (a + 1) / 2, (b + 1) / 2
    out["lpips_normalize_true_on_01"] = original(a01, b01, normalize=True)
    out["lpips_01_without_normalize"] = original(a01, b01)
    out["pyiqa_call_with_minus1_1_inputs"] = third(a, b).reshape(2, 1, 1, 1)
    out["torchmetrics"] = other(a, b)
    spatial = slim_network(lpips, trunk, linears)
    spatial.spatial = True
    out["lpips_spatial"] = spatial(a, b)
    assert torch.allclose(third(a01, b01).reshape(-1), out["lpips"].reshape(-1), atol=1e-6)
    save("lpips_squeeze_slim16", out, note="torchvision SqueezeNet 1.1 names, every width divided by 16")
    # What torchmetrics.image.LearnedPerceptualImagePatchSimilarity saves: its network is an attribute of its own.
    state = {f"net.{name}": value for name, value in other.state_dict().items()}
    torch.save(state, HERE / "lpips" / "torchmetrics_squeeze_slim16.pth")


def make_linears():
    folder = pathlib.Path(lpips.__file__).parent / "weights" / "v0.1"
    state = torch.load(folder / "squeeze.pth", map_location="cpu", weights_only=True)
    torchmetrics_folder = pathlib.Path(torchmetrics_lpips.__file__).parent / "lpips_models"
    again = torch.load(torchmetrics_folder / "squeeze.pth", map_location="cpu", weights_only=True)
    assert all(torch.equal(again[name], state[name]) for name in state)
    network = lpips.LPIPS(pretrained=False, net="squeeze", pnet_rand=True).eval()
    network.load_state_dict(state, strict=False)
    out = {}
    for index in range(7):
        weight = getattr(network, f"lin{index}").model[1].weight.detach()
        width = weight.shape[1]
        for side in (0, 1):
            values = uniform(f"real_squeeze:f{side}_{index}", width * 4) + 0.2
            out[f"f{side}_{index}"] = torch.from_numpy(values).float().clamp(min=0).reshape(1, width, 2, 2)
        difference = [lpips.normalize_tensor(out[f"f{side}_{index}"]) for side in (0, 1)]
        value = getattr(network, f"lin{index}")((difference[0] - difference[1]) ** 2)
        out[f"w{index}"] = weight
        out[f"res{index}"] = lpips.spatial_average(value, keepdim=True)
    out["total"] = sum(out[f"res{index}"] for index in range(7))
    save("real_lin_v01_squeeze", out)


def make_classifier():
    """torchvision's VGG forward pass: features, adaptive pooling to 7×7, classifier."""
    widths, (hidden, classes) = slim_vgg_shape()
    cfg, depths = [], (2, 2, 3, 3, 3)
    for width, depth in zip(widths, depths):
        cfg += [width] * depth + ["M"]
    network = torchvision.models.VGG(torchvision.models.vgg.make_layers(cfg), num_classes=classes)
    network.classifier[0] = torch.nn.Linear(widths[-1] * 49, hidden)
    network.classifier[3] = torch.nn.Linear(hidden, hidden)
    network.classifier[6] = torch.nn.Linear(hidden, classes)
    fill(network.eval(), "vgg16")
    x = 2 * smooth("vgg_classifier", 64, 64)[:1]
    save("vgg16_classifier", {"x": x, "logits": network(x)})


def main():
    torch.use_deterministic_algorithms(True)
    with torch.no_grad():
        make_slim()
        make_linears()
        make_classifier()


if __name__ == "__main__":
    main()
