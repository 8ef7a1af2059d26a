"""The Inception-v3 of the Fréchet inception distance in PyTorch, written from `networks.md` §5 for checking fixtures.

Parameter names are those of the published port of the 2015 TensorFlow graph. `divisor` divides every width, so that a
slim network can stand for it. Four ways to prepare images and the distances themselves are here as well.
"""

import numpy as np
import torch
from PIL import Image
from scipy import linalg
from torch import nn
from torch.nn import functional as F


class Unit(nn.Module):
    """A convolution without bias, batch norm by stored statistics, a rectifier."""

    def __init__(self, channels, out, kernel, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=1e-3)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


def average(x):
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def maximum(x):
    return F.max_pool2d(x, 3, stride=1, padding=1)


def strided_maximum(x):
    return F.max_pool2d(x, 3, stride=2)


class Block(nn.Module):
    """Branches side by side. Each is a list of unit names run in turn; a tuple at the end is a fork of two units."""

    def __init__(self, units, branches, pool=None):
        super().__init__()
        for name, unit in units.items():
            setattr(self, name, unit)
        self.branches, self.pool = branches, pool

    def forward(self, x):
        outputs = []
        for branch in self.branches:
            h = self.pool(x) if branch[:1] == ["branch_pool"] or not branch else x
            for step in branch:
                if isinstance(step, tuple):
                    h = torch.cat([getattr(self, name)(h) for name in step], dim=1)
                else:
                    h = getattr(self, step)(h)
            outputs.append(h)
        return torch.cat(outputs, dim=1)


def block_a(c, pool_width, n):
    units = {
        "branch1x1": Unit(c, n(64), 1),
        "branch5x5_1": Unit(c, n(48), 1), "branch5x5_2": Unit(n(48), n(64), 5, padding=2),
        "branch3x3dbl_1": Unit(c, n(64), 1), "branch3x3dbl_2": Unit(n(64), n(96), 3, padding=1),
        "branch3x3dbl_3": Unit(n(96), n(96), 3, padding=1),
        "branch_pool": Unit(c, n(pool_width), 1),
    }
    return Block(units, [
        ["branch1x1"], ["branch5x5_1", "branch5x5_2"],
        ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"], ["branch_pool"]], average)


def block_b(c, n):
    units = {
        "branch3x3": Unit(c, n(384), 3, stride=2),
        "branch3x3dbl_1": Unit(c, n(64), 1), "branch3x3dbl_2": Unit(n(64), n(96), 3, padding=1),
        "branch3x3dbl_3": Unit(n(96), n(96), 3, stride=2),
    }
    branches = [["branch3x3"], ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"], []]
    return Block(units, branches, strided_maximum)


def block_c(c, c7, n):
    wide, tall = {"kernel": (1, 7), "padding": (0, 3)}, {"kernel": (7, 1), "padding": (3, 0)}
    s, w = n(c7), n(192)
    units = {
        "branch1x1": Unit(c, w, 1),
        "branch7x7_1": Unit(c, s, 1), "branch7x7_2": Unit(s, s, **wide), "branch7x7_3": Unit(s, w, **tall),
        "branch7x7dbl_1": Unit(c, s, 1), "branch7x7dbl_2": Unit(s, s, **tall), "branch7x7dbl_3": Unit(s, s, **wide),
        "branch7x7dbl_4": Unit(s, s, **tall), "branch7x7dbl_5": Unit(s, w, **wide),
        "branch_pool": Unit(c, w, 1),
    }
    branches = [["branch1x1"], [f"branch7x7_{i}" for i in (1, 2, 3)], [f"branch7x7dbl_{i}" for i in range(1, 6)],
                ["branch_pool"]]
    return Block(units, branches, average)


def block_d(c, n):
    w = n(192)
    units = {
        "branch3x3_1": Unit(c, w, 1), "branch3x3_2": Unit(w, n(320), 3, stride=2),
        "branch7x7x3_1": Unit(c, w, 1), "branch7x7x3_2": Unit(w, w, (1, 7), padding=(0, 3)),
        "branch7x7x3_3": Unit(w, w, (7, 1), padding=(3, 0)), "branch7x7x3_4": Unit(w, w, 3, stride=2),
    }
    branches = [["branch3x3_1", "branch3x3_2"], [f"branch7x7x3_{i}" for i in (1, 2, 3, 4)], []]
    return Block(units, branches, strided_maximum)


def block_e(c, pool, n):
    w = n(384)
    wide, tall = {"kernel": (1, 3), "padding": (0, 1)}, {"kernel": (3, 1), "padding": (1, 0)}
    units = {
        "branch1x1": Unit(c, n(320), 1),
        "branch3x3_1": Unit(c, w, 1), "branch3x3_2a": Unit(w, w, **wide), "branch3x3_2b": Unit(w, w, **tall),
        "branch3x3dbl_1": Unit(c, n(448), 1), "branch3x3dbl_2": Unit(n(448), w, 3, padding=1),
        "branch3x3dbl_3a": Unit(w, w, **wide), "branch3x3dbl_3b": Unit(w, w, **tall),
        "branch_pool": Unit(c, n(192), 1),
    }
    branches = [["branch1x1"], ["branch3x3_1", ("branch3x3_2a", "branch3x3_2b")],
                ["branch3x3dbl_1", "branch3x3dbl_2", ("branch3x3dbl_3a", "branch3x3dbl_3b")], ["branch_pool"]]
    return Block(units, branches, pool)


class Inception(nn.Module):
    """Pooled features [N,2048,1,1]; with `blocks` also the four customary depths."""

    def __init__(self, divisor=1, classes=1008):
        super().__init__()

        def n(width):
            return width // divisor

        self.Conv2d_1a_3x3 = Unit(3, n(32), 3, stride=2)
        self.Conv2d_2a_3x3 = Unit(n(32), n(32), 3)
        self.Conv2d_2b_3x3 = Unit(n(32), n(64), 3, padding=1)
        self.Conv2d_3b_1x1 = Unit(n(64), n(80), 1)
        self.Conv2d_4a_3x3 = Unit(n(80), n(192), 3)
        self.Mixed_5b = block_a(n(192), 32, n)
        self.Mixed_5c = block_a(n(256), 64, n)
        self.Mixed_5d = block_a(n(288), 64, n)
        self.Mixed_6a = block_b(n(288), n)
        self.Mixed_6b = block_c(n(768), 128, n)
        self.Mixed_6c = block_c(n(768), 160, n)
        self.Mixed_6d = block_c(n(768), 160, n)
        self.Mixed_6e = block_c(n(768), 192, n)
        self.Mixed_7a = block_d(n(768), n)
        self.Mixed_7b = block_e(n(1280), average, n)
        self.Mixed_7c = block_e(n(2048), maximum, n)
        self.fc = nn.Linear(n(2048), classes // divisor)

    def blocks(self, x):
        """Features after the first pool, the second pool, Mixed_6e, and averaged ones."""
        h0 = strided_maximum(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))
        h1 = strided_maximum(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(h0)))
        h2 = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(h1))))
        h2 = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(h2))))
        h3 = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(h2)))
        return [h0, h1, h2, h3.mean(dim=(2, 3), keepdim=True)]

    def forward(self, x):
        return self.blocks(x)[3]


def half_pixel_bilinear(x, size=299):
    """pytorch-fid's resizing: pixel centres at halves, no antialiasing."""
    return F.interpolate(x, (size, size), mode="bilinear", align_corners=False)


def corner_bilinear(x, size=299):
    """TensorFlow 1's resizing: source = output index × in / out, clamped at the last row and column."""

    def lerp(x, axis):
        length = x.shape[axis]
        source = torch.arange(size, dtype=torch.float32) * torch.tensor(length / size, dtype=torch.float32)
        low = source.floor().long()
        high = (low + 1).clamp(max=length - 1)
        weight = (source - low).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
        a, b = x.index_select(axis, low), x.index_select(axis, high)
        return a + (b - a) * weight

    return lerp(lerp(x, 3), 2)


def pillow_bicubic(x, size=299):
    """clean-fid's resizing of levels 0…255: Pillow's antialiased bicubic of one float plane after the other, clipped."""
    planes = [[np.asarray(Image.fromarray(plane.numpy(), mode="F").resize((size, size), Image.BICUBIC))
               for plane in image] for image in x]
    return torch.from_numpy(np.array(planes)).clamp(0, 255)


def pytorch_fid_input(x01):
    """Images in [0,1] → network input in [-1,1]."""
    return 2 * half_pixel_bilinear(x01) - 1


def torch_fidelity_input(levels):
    """Levels 0…255 → network input."""
    return (corner_bilinear(levels.float()) - 128) / 128


def antialiased_input(levels):
    """Levels 0…255 → network input, as torchmetrics 1.9 prepares them unless antialias=False."""
    resized = F.interpolate(levels.float(), (299, 299), mode="bilinear", align_corners=False, antialias=True)
    return (resized - 128) / 128


def clean_fid_input(levels):
    """Levels 0…255 → network input."""
    return (pillow_bicubic(levels.float()) - 128) / 128


def statistics(features):
    """Mean and unbiased covariance of features [N,D], in float64."""
    features = np.asarray(features, dtype=np.float64)
    return features.mean(axis=0), np.cov(features, rowvar=False)


def frechet_distance(first, second, epsilon=1e-6):
    """The squared Fréchet distance of two Gaussians given as (mean, covariance)."""
    (mean1, covariance1), (mean2, covariance2) = first, second
    root = linalg.sqrtm(covariance1 @ covariance2)
    if not np.isfinite(root).all():
        offset = epsilon * np.eye(len(mean1))
        root = linalg.sqrtm((covariance1 + offset) @ (covariance2 + offset))
    difference = mean1 - mean2
    return difference @ difference + np.trace(covariance1) + np.trace(covariance2) - 2 * np.trace(root.real)


def exact_frechet_distance(first, second):
    """The same distance from features [N,D], exact also where fewer images than features make covariances singular.

    With X the centred features over √(N-1), the trace of the root of Σ₁Σ₂ is the sum of singular values of X₁X₂ᵀ.
    """
    first, second = (np.asarray(features, dtype=np.float64) for features in (first, second))
    a, b = ((x - x.mean(axis=0)) / np.sqrt(len(x) - 1) for x in (first, second))
    difference = first.mean(axis=0) - second.mean(axis=0)
    overlap = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(difference @ difference + (a**2).sum() + (b**2).sum() - 2 * overlap)


def kernel_distance(first, second):
    """The unbiased squared maximum mean discrepancy of two sets of features [N,D] with the kernel (x·y/D + 1)³."""
    first, second = (np.asarray(features, dtype=np.float64) for features in (first, second))

    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def mean_of_others(x):
        k = kernel(x, x)
        return (k.sum() - np.trace(k)) / (len(x) * (len(x) - 1))

    return mean_of_others(first) + mean_of_others(second) - 2 * kernel(first, second).mean()
