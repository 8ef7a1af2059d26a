"""The RAM network in PyTorch, written from `networks.md` §3 for checking fixtures; both flavours of its semantics.

Images are in [0,1]. An operator has `forward` and `adjoint` (`linear_operators.py`); every residual block sees the
measurement through it, at the block's own scale.
"""

import torch
from torch import nn
from torch.nn import functional as F

from linear_operators import Coarse, Cropped, Stack, conjugate_gradient

DEAD_GAINS = ("gain", "gain_gradx", "gain_grady", "gain_pinvx", "gain_pinvy")


def conv(channels, out, kernel=3):
    return nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=False)


class Tail(nn.Module):
    def __init__(self, width, channels):
        super().__init__()
        self.convin = conv(width, 2 * channels)
        self.zero_conv_skip = conv(width, 2 * channels, 1)  # in every checkpoint, used nowhere


class Head(nn.Module):
    def __init__(self, width, channels):
        super().__init__()
        n = 6 * channels
        self.convin = conv(n, n)
        self.zero_conv_skip = conv(n, n, 1)
        self.conv10 = conv(n, n)
        self.conv20 = conv(n, width)
        self.skipconv0 = conv(n, width, 1)

    def forward(self, measured):
        v = self.convin(measured) + self.zero_conv_skip(measured)
        return self.conv20(F.relu(self.conv10(v))) + self.skipconv0(v)


def numbered(name, channels, make):
    module = nn.Module()
    for c in channels:
        setattr(module, f"{name}{c - 1}", make(c))
    return module


class PhysicsBlock(nn.Module):
    def __init__(self, width, channels, has_dead_gains):
        super().__init__()
        if has_dead_gains:
            for name in DEAD_GAINS:
                setattr(self, name, nn.Parameter(torch.ones(1)))
        self.decoding_conv = numbered("tail", channels, lambda c: Tail(width, c))
        self.encoding_conv = numbered("head", channels, lambda c: Head(width, c))


class ResBlock(nn.Module):
    def __init__(self, width, channels, has_dead_gains):
        super().__init__()
        self.conv1 = conv(width, width)
        self.conv2 = conv(width, width)
        self.gain = nn.Parameter(torch.ones(1))
        self.PhysicsBlock = PhysicsBlock(width, channels, has_dead_gains)

    def forward(self, x, measured, krylov):
        """`measured` are the two images that stand for the measurement; `krylov` gives v and 4^s·AᵀA v."""
        c = measured.shape[1] // 2
        u = F.relu(self.conv1(x))
        decoded = getattr(self.PhysicsBlock.decoding_conv, f"tail{c - 1}").convin(u)
        estimates = [krylov(decoded[:, :c]), krylov(decoded[:, c:])]
        head = getattr(self.PhysicsBlock.encoding_conv, f"head{c - 1}")
        condition = head(torch.cat([measured, *estimates], dim=1))
        return x + self.conv2(u) + self.gain * F.relu(condition)


class Stage(nn.Module):
    def __init__(self, width, blocks, channels, has_dead_gains):
        super().__init__()
        self.enc = nn.ModuleList([ResBlock(width, channels, has_dead_gains) for _ in range(blocks)])

    def forward(self, x, measured, krylov):
        for block in self.enc:
            x = block(x, measured, krylov)
        return x


class RAM(nn.Module):
    """`flavour` is `original` or `deepinv`; the same weights give different images (`networks.md` §3.4)."""

    def __init__(self, widths=(64, 128, 256, 512), blocks=4, channels=(1, 2, 3), has_dead_gains=True):
        super().__init__()
        self.fact_realign = nn.Parameter(torch.ones(1))
        self.m_head = numbered("conv", channels, lambda c: conv(c + 2, widths[0]))
        self.m_tail = numbered("conv", channels, lambda c: conv(widths[0], c))
        for scale, width in enumerate(widths[:-1]):
            name = scale + 1
            setattr(self, f"m_down{name}", Stage(width, blocks, channels, has_dead_gains))
            setattr(self, f"pool{name}", nn.Conv2d(width, widths[name], 2, stride=2, bias=False))
            setattr(self, f"up{name}", nn.ConvTranspose2d(widths[name], width, 2, stride=2, bias=False))
            setattr(self, f"m_up{name}", Stage(width, blocks, channels, has_dead_gains))
        self.m_body = Stage(widths[-1], blocks, channels, has_dead_gains)
        self.depth = len(widths) - 1

    def forward(self, y, operator, sigma=None, gain=None, flavour="original", keep=lambda name, value: None):
        """The image estimate [N,C,H,W]; `sigma` is the noise level in [0,1], None where the noise model has none."""
        is_original = flavour == "original"
        parts = y if isinstance(y, list) else [y]
        rescale = 1.0
        if not is_original:
            # Very dark measurements are brought to a unit maximum, one factor for each image.
            largest = parts[0].abs().amax(dim=(1, 2, 3), keepdim=True)
            largest = torch.where(largest == 0, torch.full_like(largest, 1e-12), largest)
            rescale = torch.where(largest > 0.025, torch.ones_like(largest), largest)
            parts = [part / rescale for part in parts]
            sigma = None if sigma is None else sigma / rescale
            gain = None if gain is None else gain / rescale
        y = parts if isinstance(y, list) else parts[0]
        realign_sigma = 1e-6 if sigma is None else sigma
        sigma = at_least(5e-3 if sigma is None else sigma, 1e-3 if is_original else 5e-3)
        gain = at_least((5e-3 if is_original else 1e-4) if gain is None else gain, 1e-3 if is_original else 1e-4)
        if not is_original:
            realign_sigma = sigma

        image = operator.adjoint(y)
        top, left = (padding(length, is_original) for length in image.shape[-2:])
        is_padded = bool(top or left)
        if is_padded:
            operator = Cropped(operator, top, left)
            image = operator.adjoint(y)
        aligned = self.realigned(image, y, operator, realign_sigma, is_original, is_padded)
        keep("realigned", aligned)
        out = self.unet(aligned, image, operator, sigma, gain, keep)
        return out[..., top:, left:] * rescale

    def realigned(self, image, y, operator, sigma, is_original, is_padded):
        first = y[0] if isinstance(y, list) else y
        level = first.abs().mean(dim=(1, 2, 3), keepdim=True)
        # The factor of a super-resolution operator reaches this step in the original only.
        factor = (getattr(operator, "factor", None) or 1) if is_original else 1
        snr = level / (sigma + 1e-4)
        gamma = self.fact_realign / (1e-4 + 1 / (snr * factor**2))
        if not is_original:
            gamma = gamma.clamp(min=1e-8)
            if not is_padded and not isinstance(operator, Stack):
                return operator.prox(y, image, gamma)
        return conjugate_gradient(operator, y, image, gamma)

    def unet(self, x, image, operator, sigma, gain, keep):
        krylovs, measured = [], []
        for scale in range(self.depth + 1):
            krylovs.append(krylov(operator, scale))
            coarse = Coarse(operator, scale).down.forward(image) if scale else image
            measured.append(krylovs[scale](coarse))

        def stage(name, scale, h):
            return getattr(self, name)(h, measured[scale], krylovs[scale])

        maps = [torch.ones_like(x[:, :1]) * value for value in (sigma, gain)]
        h = getattr(self.m_head, f"conv{x.shape[1] - 1}")(torch.cat([x, *maps], dim=1))
        keep("m_head", h)
        skips = []
        for scale in range(self.depth):
            skips.append(h)
            h = getattr(self, f"pool{scale + 1}")(stage(f"m_down{scale + 1}", scale, h))
        deepest = h
        h = stage("m_body", self.depth, h) + deepest
        for scale in reversed(range(self.depth)):
            h = stage(f"m_up{scale + 1}", scale, getattr(self, f"up{scale + 1}")(h)) + skips[scale]
        return getattr(self.m_tail, f"conv{x.shape[1] - 1}")(h)


def krylov(operator, scale):
    """v → (v, 4^s·A_sᵀA_s v)."""
    seen = Coarse(operator, scale) if scale else operator
    return lambda v: torch.cat([v, 4**scale * seen.adjoint(seen.forward(v))], dim=1)


def at_least(value, limit):
    return value.clamp(min=limit) if isinstance(value, torch.Tensor) else max(value, limit)


def padding(length, is_original):
    """How many zeros go before the image."""
    multiple, least = (8, 0) if is_original else (16, 64)
    return max(-(-length // multiple) * multiple, least) - length
