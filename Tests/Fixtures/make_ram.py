#!/usr/bin/env python3
"""Make the RAM fixture of dark images with deepinv: its network with slim widths and portable weights.

`ram/dark_batch.io.safetensors`: a batch of an ordinary, a dark and a black image with motion blur. deepinv divides
measurements whose maximum is at most 0.025 by that maximum, image by image. `generate.py ram` computes it again.

    .venv/bin/pip install deepinv
    .venv/bin/python Tests/Fixtures/make_ram.py
"""

import json
from importlib.metadata import version

import deepinv
import torch
from deepinv.models import ram as deepinv_ram
from safetensors.torch import save_file

from cases_ram import slim_ram
from fixture_files import HERE
from portable import uniform

WIDTHS, BLOCKS = (8, 8, 16, 16), 2


def slim_deepinv():
    network = deepinv.models.RAM(pretrained=False)
    channels = network.in_channels if isinstance(network.in_channels, list) else list(network.in_channels)
    network.m_head = deepinv_ram.InHead([c + 2 for c in channels], WIDTHS[0])
    network.m_tail = deepinv_ram.OutTail(WIDTHS[0], channels)
    for scale, width in enumerate(WIDTHS):
        names = ["m_body"] if scale == 3 else [f"m_down{scale + 1}", f"m_up{scale + 1}"]
        for name in names:
            block = deepinv_ram.BaseEncBlock(
                width, width, img_channels=channels, decode_upscale=2**scale, nb=BLOCKS)
            setattr(network, name, block)
        if scale < 3:
            wider = WIDTHS[scale + 1]
            pool = deepinv_ram.downsample_strideconv(width, wider, bias=False, mode="2")
            setattr(network, f"pool{scale + 1}", pool)
            up = deepinv_ram.upsample_convtranspose(wider, width, bias=False, mode="2")
            setattr(network, f"up{scale + 1}", up)
    state = slim_ram().state_dict()
    needed = network.state_dict().keys()
    network.load_state_dict({name: state[name] for name in needed})
    return network.eval()


def main():
    torch.use_deterministic_algorithms(True)
    image = torch.from_numpy(uniform("ram:dark", 64 * 64) + 0.5).float().reshape(1, 1, 64, 64)
    image = torch.nn.functional.interpolate(image[..., :16, :16], (64, 64), mode="bilinear")
    kernel = torch.from_numpy(uniform("ram:dark_kernel", 15) + 0.5).float().reshape(1, 1, 5, 3)
    kernel = kernel / kernel.sum()
    sigma = torch.tensor([0.02])
    physics = deepinv.physics.BlurFFT(
        img_size=(1, 64, 64), filter=kernel, noise_model=deepinv.physics.ZeroNoise())
    y = physics.A(torch.cat([image, 0.02 * image, 0 * image]))
    with torch.no_grad():
        out = slim_deepinv()(y, physics, sigma=sigma)
    # The black image is divided by 1e-12, which makes its σ enormous; only its being finite is checked.
    tensors = {"y": y[:2], "kernel": kernel, "sigma": sigma, "deepinv/out": out[:2]}
    assert torch.isfinite(out).all()
    print("largest value of the black image's output:", out[2].abs().max().item())
    meta = {name: version(name) for name in ("torch", "deepinv")}
    save_file({name: value.contiguous() for name, value in tensors.items()},
              HERE / "ram" / "dark_batch.io.safetensors", metadata={"meta": json.dumps(meta)})


if __name__ == "__main__":
    main()
