"""The LPIPS fixtures: slim VGG-16 and SqueezeNet trunks, every convention, and the published v0.1 linear weights."""

import torch

from portable import fill, uniform
from reference_vgg import FIRES, LPIPS, VGG_WIDTHS, SqueezeNet, VGG16, distance_maps

FOLDER = "lpips"
SLIM = 16


def slim_linears(case, widths):
    """Non-negative weights in [0, 0.6), one vector for each tap."""
    return [torch.tensor(0.6 * uniform(f"{case}:lin{i}", width) + 0.3).float() for i, width in enumerate(widths)]


def slim_vgg_shape():
    """Widths of the five stages; hidden width and classes of the classifier."""
    return [width // SLIM for width in VGG_WIDTHS], (32, 10)


def slim_squeezenet_shape():
    """Width of the stem; squeeze and expand widths of the fire modules."""
    return 64 // SLIM, [(squeeze // SLIM, expand // SLIM) for squeeze, expand in FIRES]


def slim_vgg():
    widths, classifier = slim_vgg_shape()
    trunk = VGG16(widths, classifier).eval()
    fill(trunk, "vgg16")
    return trunk, slim_linears("lpips", widths)


def slim_squeezenet():
    stem, fires = slim_squeezenet_shape()
    trunk = SqueezeNet(stem, fires).eval()
    fill(trunk, "squeezenet")
    return trunk, slim_linears("lpips_squeeze", [stem] + [2 * fires[i][1] for i in (1, 3, 4, 5, 6, 7)])


def run(fixture):
    if fixture.case.startswith("real_lin"):
        run_linears(fixture)
        return
    if fixture.case == "vgg16_classifier":
        with torch.no_grad():
            fixture.put("logits", slim_vgg()[0](fixture.tensor("x")))
        return
    is_squeeze = "squeeze" in fixture.case
    trunk, linears = slim_squeezenet() if is_squeeze else slim_vgg()
    a, b = fixture.tensor("a"), fixture.tensor("b")
    a01, b01 = (a + 1) / 2, (b + 1) / 2
    lpips = LPIPS(trunk, linears)
    pyiqa = LPIPS(trunk, linears, "pyiqa")
    torchmetrics = LPIPS(trunk, linears, "torchmetrics")
    with torch.no_grad():
        fixture.put("lpips", lpips(a, b))
        for index, value in enumerate(lpips.layers(a, b)):
            fixture.put(f"layer{index}", value)
        scaled = lpips.scaled(a)
        fixture.put("scaled_a", scaled)
        for index, value in enumerate(trunk.features_at_taps(scaled)):
            fixture.put(f"feat{index}", value)
        fixture.put("lpips_normalize_true_on_01", pyiqa(a01, b01))
        fixture.put("lpips_01_without_normalize", lpips(a01, b01))
        fixture.put("pyiqa_call_with_minus1_1_inputs", pyiqa(a, b))
        fixture.put("torchmetrics", torchmetrics(a, b))
        fixture.put("lpips_spatial", lpips.spatial(a, b))
    # Class scores of an image that is not stored; `vgg16_classifier` stores both.
    fixture.inputs.add("vgg_logits_64")


def run_linears(fixture):
    """The published linear weights on features of full width; both are stored."""
    count = sum(name.startswith("w") for name in fixture.stored)
    features, linears = ([], []), []
    for index in range(count):
        for side in (0, 1):
            features[side].append(fixture.tensor(f"f{side}_{index}"))
        linears.append(fixture.tensor(f"w{index}"))
    results = [m.mean(dim=(2, 3), keepdim=True) for m in distance_maps(*features, linears)]
    for index, value in enumerate(results):
        fixture.put(f"res{index}", value)
    fixture.put("total", sum(results))
