"""The DDPM U-Net in PyTorch, written from the description in `networks.md` §2 for checking fixtures.

Parameter names are those of the 2020 PyTorch port, whose checkpoints are the published ones; levels are counted from
the finest, in the upward path too.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


def timestep_embedding(timesteps, width):
    """Sines first, then cosines, of the timestep times frequencies from 1 down to exactly 1/10000; in float32."""
    half = width // 2
    step = -math.log(10000) / (half - 1)
    frequencies = torch.exp(torch.arange(half, dtype=torch.float32) * step)
    angles = timesteps.float()[:, None] * frequencies[None]
    return F.pad(torch.cat([angles.sin(), angles.cos()], dim=1), (0, width % 2))


def norm(channels):
    return nn.GroupNorm(32, channels, eps=1e-6)


class ResnetBlock(nn.Module):
    """Two convolutions, with the embedded timestep added between them."""

    def __init__(self, channels, out, embedding):
        super().__init__()
        self.norm1 = norm(channels)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.temb_proj = nn.Linear(embedding, out)
        self.norm2 = norm(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.nin_shortcut = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x, embedding):
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.temb_proj(F.silu(embedding))[:, :, None, None]
        return self.nin_shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class AttentionBlock(nn.Module):
    """Attention of one head as wide as the block; the product of queries and keys is scaled, not they."""

    def __init__(self, channels):
        super().__init__()
        self.norm = norm(channels)
        self.q = nn.Conv2d(channels, channels, 1)
        self.k = nn.Conv2d(channels, channels, 1)
        self.v = nn.Conv2d(channels, channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        h = self.norm(x)
        q, k, v = self.q(h).flatten(2), self.k(h).flatten(2), self.v(h).flatten(2)
        weights = (q.transpose(1, 2) @ k * x.shape[1] ** -0.5).softmax(dim=-1)
        return x + self.proj_out((v @ weights.transpose(1, 2)).reshape(x.shape))


class Downsample(nn.Module):
    """A strided convolution that pads on the right and at the bottom only."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class Level(nn.Module):
    """The blocks of one level: residual blocks `block`, each followed by `attn` where the level has attention."""

    def __init__(self, inputs, width, embedding, has_attention):
        super().__init__()
        self.block = nn.ModuleList([ResnetBlock(channels, width, embedding) for channels in inputs])
        self.attn = nn.ModuleList([AttentionBlock(width) for _ in inputs] if has_attention else [])

    def run(self, index, h, embedding):
        h = self.block[index](h, embedding)
        return self.attn[index](h) if self.attn else h


class DDPM(nn.Module):
    """The whole network; `config` has the names of the published configuration files.

    `up_attn_resolutions` is diffusers' freedom to attend on the way up at other levels than on the way down.
    """

    def __init__(self, config):
        super().__init__()
        ch = config["ch"]
        blocks = config["num_res_blocks"]
        widths = [ch * m for m in config["ch_mult"]]
        resolutions = [config["resolution"] >> level for level in range(len(widths))]
        down_attention = config["attn_resolutions"]
        up_attention = config.get("up_attn_resolutions", down_attention)
        embedding = 4 * ch
        self.ch = ch
        self.temb = nn.Module()
        self.temb.dense = nn.ModuleList([nn.Linear(ch, embedding), nn.Linear(embedding, embedding)])
        self.conv_in = nn.Conv2d(config["in_channels"], ch, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        skips, width = [ch], ch
        for level, out in enumerate(widths):
            inputs = [width] + [out] * (blocks - 1)
            self.down.append(Level(inputs, out, embedding, resolutions[level] in down_attention))
            skips += [out] * blocks
            if level + 1 < len(widths):
                self.down[level].downsample = Downsample(out)
                skips.append(out)
            width = out
        self.mid = nn.Module()
        self.mid.block_1 = ResnetBlock(width, width, embedding)
        self.mid.attn_1 = AttentionBlock(width)
        self.mid.block_2 = ResnetBlock(width, width, embedding)
        for level, out in reversed(list(enumerate(widths))):
            inputs = []
            for _ in range(blocks + 1):
                inputs.append(width + skips.pop())
                width = out
            self.up.insert(0, Level(inputs, out, embedding, resolutions[level] in up_attention))
            if level > 0:
                self.up[0].upsample = Upsample(out)
        self.norm_out = norm(width)
        self.conv_out = nn.Conv2d(width, config["out_ch"], 3, padding=1)

    def forward(self, x, t):
        sines = timestep_embedding(t, self.ch).to(x.dtype)
        embedding = self.temb.dense[1](F.silu(self.temb.dense[0](sines)))
        h = self.conv_in(x)
        skips = [h]
        for level in self.down:
            for index in range(len(level.block)):
                h = level.run(index, h, embedding)
                skips.append(h)
            if hasattr(level, "downsample"):
                h = level.downsample(h)
                skips.append(h)
        h = self.mid.block_2(self.mid.attn_1(self.mid.block_1(h, embedding)), embedding)
        for level in reversed(self.up):
            for index in range(len(level.block)):
                h = level.run(index, torch.cat([h, skips.pop()], dim=1), embedding)
            if hasattr(level, "upsample"):
                h = level.upsample(h)
        return self.conv_out(F.silu(self.norm_out(h)))
