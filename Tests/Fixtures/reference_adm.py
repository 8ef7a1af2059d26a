"""The ADM U-Net in PyTorch, written from the description in `networks.md` §1 for checking fixtures.

It keeps guided-diffusion's parameter names, so that its state dicts are interchangeable with published checkpoints.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


def timestep_embedding(timesteps, width):
    """Cosines first, then sines, of the timestep times a geometric series of frequencies; all in float32."""
    half = width // 2
    exponents = -math.log(10000) * torch.arange(half, dtype=torch.float32) / half
    angles = timesteps.float()[:, None] * torch.exp(exponents)[None]
    embedding = torch.cat([angles.cos(), angles.sin()], dim=1)
    return F.pad(embedding, (0, width % 2))


def norm(channels):
    return nn.GroupNorm(32, channels)


def downsample(x):
    return F.avg_pool2d(x, 2)


def upsample(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")


class ResBlock(nn.Module):
    def __init__(self, channels, out, embedding, scale_shift, resample=None):
        super().__init__()
        self.scale_shift = scale_shift
        self.resample = resample
        self.in_layers = nn.Sequential(norm(channels), nn.SiLU(), nn.Conv2d(channels, out, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, 2 * out if scale_shift else out))
        self.out_layers = nn.Sequential(norm(out), nn.SiLU(), nn.Dropout(0), nn.Conv2d(out, out, 3, padding=1))
        self.skip_connection = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x, embedding, tap):
        h = self.in_layers[1](self.in_layers[0](x))
        if self.resample:
            h, x = self.resample(h), self.resample(x)
            tap("h_upd", h)
            tap("x_upd", x)
        h = self.in_layers[2](h)
        tap("in_layers", h)
        e = self.emb_layers(embedding)
        tap("emb_layers", e)
        e = e[:, :, None, None]
        if self.scale_shift:
            scale, shift = e.chunk(2, dim=1)
            h = self.out_layers[0](h)
            tap("out_layers.0", h)
            h = h * (1 + scale) + shift
        else:
            h = self.out_layers[0](h + e)
        h = self.out_layers[3](self.out_layers[1](h))
        skip = self.skip_connection(x)
        tap("skip_connection", skip)
        return skip + h


class AttentionBlock(nn.Module):
    def __init__(self, channels, heads, new_order):
        super().__init__()
        self.heads = heads
        self.new_order = new_order
        self.norm = norm(channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj_out = nn.Conv1d(channels, channels, 1)

    def forward(self, x, embedding, tap):
        batch, channels, *size = x.shape
        flat = x.reshape(batch, channels, -1)
        normed = self.norm(flat)
        tap("norm", normed)
        qkv = self.qkv(normed)
        tap("qkv", qkv)
        width = channels // self.heads
        if self.new_order:
            parts = qkv.reshape(batch, 3, self.heads, width, -1)
            q, k, v = parts[:, 0], parts[:, 1], parts[:, 2]
        else:
            parts = qkv.reshape(batch, self.heads, 3, width, -1)
            q, k, v = parts[:, :, 0], parts[:, :, 1], parts[:, :, 2]
        scale = width**-0.25
        weights = torch.einsum("bhct,bhcs->bhts", q * scale, k * scale).softmax(dim=-1)
        a = torch.einsum("bhts,bhcs->bhct", weights, v).reshape(batch, channels, -1)
        tap("attention", a)
        h = self.proj_out(a)
        tap("proj_out", h)
        return (flat + h).reshape(batch, channels, *size)


class Resample(nn.Module):
    """A resampling layer between levels, with a convolution (named `op` going down, `conv` going up) or without."""

    def __init__(self, channels, is_up, has_convolution):
        super().__init__()
        self.is_up = is_up
        if has_convolution:
            layer = nn.Conv2d(channels, channels, 3, stride=1 if is_up else 2, padding=1)
            setattr(self, "conv" if is_up else "op", layer)

    def forward(self, x, embedding, tap):
        if self.is_up:
            x = upsample(x)
            return self.conv(x) if hasattr(self, "conv") else x
        return self.op(x) if hasattr(self, "op") else downsample(x)


class ADM(nn.Module):
    """The whole network; `config` has guided-diffusion's option names, attention_resolutions as downsampling rates."""

    def __init__(self, config):
        super().__init__()
        mc = config["model_channels"]
        mult = config["channel_mult"]
        blocks = config["num_res_blocks"]
        rates = config["attention_resolutions"]
        scale_shift = config.get("use_scale_shift_norm", False)
        updown = config.get("resblock_updown", False)
        has_convolution = config.get("conv_resample", True)
        embedding = 4 * mc
        self.model_channels = mc

        def heads(channels):
            per_head = config.get("num_head_channels", -1)
            return channels // per_head if per_head != -1 else config.get("num_heads", 1)

        def res(channels, out, resample=None):
            return ResBlock(channels, out, embedding, scale_shift, resample)

        def attention(channels):
            return AttentionBlock(channels, heads(channels), config.get("use_new_attention_order", False))

        self.time_embed = nn.Sequential(nn.Linear(mc, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        if config.get("num_classes"):
            self.label_emb = nn.Embedding(config["num_classes"], embedding)
        width = int(mult[0] * mc)
        self.input_blocks = nn.ModuleList([nn.ModuleList([nn.Conv2d(config["in_channels"], width, 3, padding=1)])])
        skips = [width]
        for level, m in enumerate(mult):
            for _ in range(blocks):
                layers = [res(width, int(m * mc))]
                width = int(m * mc)
                if 2**level in rates:
                    layers.append(attention(width))
                self.input_blocks.append(nn.ModuleList(layers))
                skips.append(width)
            if level < len(mult) - 1:
                down = res(width, width, downsample) if updown else Resample(width, False, has_convolution)
                self.input_blocks.append(nn.ModuleList([down]))
                skips.append(width)
        self.middle_block = nn.ModuleList([res(width, width), attention(width), res(width, width)])
        self.output_blocks = nn.ModuleList()
        for level, m in reversed(list(enumerate(mult))):
            for block in range(blocks + 1):
                layers = [res(width + skips.pop(), int(m * mc))]
                width = int(m * mc)
                if 2**level in rates:
                    layers.append(attention(width))
                if level > 0 and block == blocks:
                    layers.append(res(width, width, upsample) if updown else Resample(width, True, has_convolution))
                self.output_blocks.append(nn.ModuleList(layers))
        self.out = nn.Sequential(norm(width), nn.SiLU(), nn.Conv2d(width, config["out_channels"], 3, padding=1))

    def forward(self, x, t, y=None, low_res=None):
        """The output [N,out,H,W] and every inner activation by name."""
        taps = {}

        def block(name, layers, h, emb):
            for index, layer in enumerate(layers):
                prefix = f"{name}.{index}"
                if isinstance(layer, nn.Conv2d):
                    h = layer(h)
                else:
                    h = layer(h, emb, lambda tap, value, prefix=prefix: taps.__setitem__(f"{prefix}.{tap}", value))
                if name == "middle_block":
                    taps[prefix] = h
            taps[name] = h
            return h

        emb = self.time_embed(timestep_embedding(t, self.model_channels).to(x.dtype))
        taps["time_embed"] = emb
        if y is not None:
            emb = emb + self.label_emb(y)
        if low_res is not None:
            x = torch.cat([x, F.interpolate(low_res, x.shape[2:], mode="bilinear")], dim=1)
        h, skips = x, []
        for index, layers in enumerate(self.input_blocks):
            h = block(f"input_blocks.{index}", layers, h, emb)
            skips.append(h)
        h = block("middle_block", self.middle_block, h, emb)
        for index, layers in enumerate(self.output_blocks):
            h = block(f"output_blocks.{index}", layers, torch.cat([h, skips.pop()], dim=1), emb)
        taps["out.0"] = self.out[0](h)
        return self.out(h), taps
