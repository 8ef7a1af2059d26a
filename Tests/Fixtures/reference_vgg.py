"""VGG-16, SqueezeNet 1.1 and LPIPS in PyTorch, written from `networks.md` §4 for checking fixtures.

Parameter names are torchvision's (`features.N.*`, `classifier.N.*`); widths are free, so that slim networks can stand
for the published ones.
"""

import torch
from torch import nn
from torch.nn import functional as F

VGG_WIDTHS = (64, 128, 256, 512, 512)
VGG_DEPTHS = (2, 2, 3, 3, 3)
VGG_TAPS = (3, 8, 15, 22, 29)
# (squeeze, expand) of the eight fire modules, at these places in `features`; pools are at 2, 5 and 8.
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
FIRE_PLACES = (3, 4, 6, 7, 9, 10, 11, 12)
SQUEEZE_TAPS = (1, 4, 7, 9, 10, 11, 12)
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)


class VGG16(nn.Module):
    """The thirteen convolutions, and the classifier when its widths are given."""

    def __init__(self, widths=VGG_WIDTHS, classifier=None):
        super().__init__()
        layers, channels = [], 3
        for width, depth in zip(widths, VGG_DEPTHS):
            for _ in range(depth):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.taps = VGG_TAPS
        if classifier:
            hidden, classes = classifier
            self.classifier = nn.Sequential(
                nn.Linear(channels * 49, hidden), nn.ReLU(), nn.Dropout(),
                nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, classes))

    def forward(self, x):
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), 7).flatten(1))

    def features_at_taps(self, x):
        return trunk_features(self, x)


class Fire(nn.Module):
    """A narrow 1×1 convolution, then a 1×1 and a 3×3 one side by side."""

    def __init__(self, channels, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        h = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(h)), F.relu(self.expand3x3(h))], dim=1)


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1; the stem is 3×3 with stride 2 and no padding, pools round up."""

    def __init__(self, stem=64, fires=FIRES, classes=None):
        super().__init__()
        layers = {0: nn.Conv2d(3, stem, 3, stride=2), 1: nn.ReLU()}
        layers |= {place: nn.MaxPool2d(3, stride=2, ceil_mode=True) for place in (2, 5, 8)}
        channels = stem
        for place, (squeeze, expand) in zip(FIRE_PLACES, fires):
            layers[place] = Fire(channels, squeeze, expand)
            channels = 2 * expand
        self.features = nn.Sequential(*[layers[place] for place in sorted(layers)])
        self.taps = SQUEEZE_TAPS
        if classes:
            self.classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(channels, classes, 1), nn.ReLU())

    def forward(self, x):
        return self.classifier(self.features(x)).mean(dim=(2, 3))

    def features_at_taps(self, x):
        return trunk_features(self, x)


def trunk_features(trunk, x):
    found = []
    for index, layer in enumerate(trunk.features):
        x = layer(x)
        if index in trunk.taps:
            found.append(x)
    return found


def unit_lpips(features):
    """Divided by the channel norm, which is kept from zero after the root (lpips, pyiqa)."""
    return features / ((features**2).sum(dim=1, keepdim=True).sqrt() + 1e-10)


def unit_torchmetrics(features):
    """Divided by the channel norm, which is kept from zero under the root (torchmetrics)."""
    return features / (1e-8 + (features**2).sum(dim=1, keepdim=True)).sqrt()


def distance_maps(features_a, features_b, linears, unit=unit_lpips):
    """For each tap the map [N,1,h,w] of weighted squared differences."""
    return [
        ((unit(a) - unit(b)) ** 2 * weight.reshape(1, -1, 1, 1)).sum(dim=1, keepdim=True)
        for a, b, weight in zip(features_a, features_b, linears)
    ]


class LPIPS:
    """The distance of two image batches in [-1,1].

    `convention` is `lpips`, `torchmetrics` (another guard against zero) or `pyiqa` (images are in [0,1]; what it is
    given is scaled by 2x-1). Version 0.0 does not normalise the images.
    """

    def __init__(self, trunk, linears, convention="lpips", version="0.1"):
        self.trunk, self.linears, self.version = trunk, linears, version
        self.unit = unit_torchmetrics if convention == "torchmetrics" else unit_lpips
        self.is_scaled = convention == "pyiqa"

    def scaled(self, x):
        if self.is_scaled:
            x = 2 * x - 1
        if self.version == "0.0":
            return x
        shift, scale = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (SHIFT, SCALE))
        return (x - shift) / scale

    def maps(self, a, b):
        a, b = (self.trunk.features_at_taps(self.scaled(x)) for x in (a, b))
        return distance_maps(a, b, self.linears, self.unit)

    def layers(self, a, b):
        """The distance [N,1,1,1] that each tap contributes."""
        return [m.mean(dim=(2, 3), keepdim=True) for m in self.maps(a, b)]

    def __call__(self, a, b):
        return sum(self.layers(a, b))

    def spatial(self, a, b):
        """The distance at each pixel [N,1,H,W]: the maps, enlarged with bilinear interpolation, summed."""
        return sum(F.interpolate(m, a.shape[2:], mode="bilinear", align_corners=False) for m in self.maps(a, b))
