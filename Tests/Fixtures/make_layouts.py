#!/usr/bin/env python3
"""Make the fixtures of the layouts that networks come in; needs torch, diffusers (0.42) and lpips (0.1.4).

`ddpm/config.json` is what diffusers writes for a UNet2DModel with the options of the published DDPM networks. The maps
lead from the names of the 2020 PyTorch port to diffusers', and from the attention names before 0.15 to today's; this
script proves the first by running both networks on the same weights. `lpips/lpips_v0.1_*.pth` are copied from the lpips
package, `lpips/lpips_lin_slim16.legacy.pth` has slim layers in a file of the format before 1.6 (its storage keys are
memory addresses, so that its bytes differ each time).

    .venv/bin/pip install diffusers lpips
    .venv/bin/python Tests/Fixtures/make_layouts.py
"""

import importlib.util
import json
import pathlib
import shutil
import sys
import tempfile

import torch
from diffusers import UNet2DModel

from cases_lpips import slim_linears
from portable import fill
from reference_ddpm import DDPM

HERE = pathlib.Path(__file__).parent
CONFIG = {"ch": 32, "ch_mult": [1, 1], "num_res_blocks": 1, "attn_resolutions": [8], "resolution": 16,
          "in_channels": 3, "out_ch": 3}
OLD = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
LAYERS = {"temb_proj": "time_emb_proj", "nin_shortcut": "conv_shortcut", "norm": "group_norm", "q": "to_q", "k": "to_k",
          "v": "to_v", "proj_out": "to_out.0"}
PARTS = [("temb.dense.0", "time_embedding.linear_1"), ("temb.dense.1", "time_embedding.linear_2"),
         ("norm_out", "conv_norm_out"), ("mid.block_1", "mid_block.resnets.0"), ("mid.attn_1", "mid_block.attentions.0"),
         ("mid.block_2", "mid_block.resnets.1"), ("downsample", "downsamplers.0"), ("upsample", "upsamplers.0"),
         ("block", "resnets"), ("attn", "attentions")]


def renamed(name, levels):
    """diffusers' name of a tensor of the port."""
    if name.startswith(("down.", "up.")):
        way, level, rest = name.split(".", 2)
        # diffusers counts the way up from the coarsest level.
        level = int(level) if way == "down" else levels - 1 - int(level)
        name = f"{way}_blocks.{level}.{rest}"
    for before, after in PARTS:
        name = f".{name}".replace(f".{before}.", f".{after}.", 1)[1:]
    *start, layer, kind = name.split(".")
    return ".".join([*start, LAYERS.get(layer, layer), kind])


def ddpm():
    port = DDPM(CONFIG).eval()
    weights = fill(port, "ddpm_layouts")
    network = UNet2DModel(
        sample_size=16, block_out_channels=(32, 32), layers_per_block=1, downsample_padding=0, norm_eps=1e-6,
        flip_sin_to_cos=False, freq_shift=1, attention_head_dim=None,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D")).eval()
    names = {name: renamed(name, 2) for name in weights}
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    network.load_state_dict({names[name]: value.reshape(shapes[names[name]]) for name, value in weights.items()})
    x, t = torch.randn(1, 3, 16, 16), torch.tensor([500])
    with torch.no_grad():
        difference = (port(x, t) - network(x, t).sample).abs().max().item()
    print(f"the port and diffusers differ by {difference:.1e}")
    if difference > 3e-5:
        sys.exit("the map of names is wrong")
    write("pesser_to_diffusers", names)
    write("old_attention_names", {
        name.replace(f".{new}.", f".{old}."): name for name in shapes for new, old in OLD.items() if f".{new}." in name})
    with tempfile.TemporaryDirectory() as folder:
        network.save_pretrained(folder)
        config = json.loads((pathlib.Path(folder) / "config.json").read_text())
    # Fields that the published files of 2022 do not have yet are left out.
    stored = json.loads((HERE / "ddpm/config.json").read_text())
    different = {key for key, value in stored.items() if config[key] != value}
    if different:
        sys.exit(f"diffusers writes other values of {different}")


def write(name, names):
    (HERE / f"ddpm/{name}.json").write_text(json.dumps(names, indent=0) + "\n")


def lpips():
    widths = [4, 8, 16, 32, 32]
    layers = {
        f"lin{i}.model.1.weight": weight.reshape(1, -1, 1, 1) for i, weight in enumerate(slim_linears("lpips", widths))}
    path = HERE / "lpips/lpips_lin_slim16.legacy.pth"
    if path.exists() and all(torch.allclose(torch.load(path)[name], weight, atol=1e-7) for name, weight in layers.items()):
        print("the slim linear layers are as stored")
    else:
        torch.save(layers, path, _use_new_zipfile_serialization=False)
        print("new slim linear layers")
    package = pathlib.Path(importlib.util.find_spec("lpips").origin).parent
    for name in ["vgg", "squeeze"]:
        shutil.copy(package / f"weights/v0.1/{name}.pth", HERE / f"lpips/lpips_v0.1_{name}.pth")


if __name__ == "__main__":
    ddpm()
    lpips()
