"""Makes the fixtures of the layouts that networks come in; needs torch, diffusers 0.42 and lpips 0.1.4.

ddpm/config.json is what diffusers writes for a UNet2DModel with the options of the published DDPM networks; the maps of
names are what its own code renames: pesser's names by the order of the layers, old attention names by
`_fix_state_dict_keys_on_load`'s table. lpips_v0.1_*.pth are copied from the lpips package.
"""

import importlib.util
import json
import pathlib
import shutil
import tempfile

import torch
from diffusers import UNet2DModel

import portable
from reference_ddpm import Model

HERE = pathlib.Path(__file__).parent
OLD = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def main():
    network = UNet2DModel(
        sample_size=16, block_out_channels=(32, 32), layers_per_block=1, downsample_padding=0, norm_eps=1e-6,
        flip_sin_to_cos=False, freq_shift=1, attention_head_dim=None,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"))
    with tempfile.TemporaryDirectory() as folder:
        network.save_pretrained(folder)
        print((pathlib.Path(folder) / "config.json").read_text())
    names = list(network.state_dict())
    old = {}
    for name in names:
        for new, before in OLD.items():
            if f".{new}." in name:
                old[name.replace(f".{new}.", f".{before}.")] = name
    (HERE / "ddpm/old_attention_names.json").write_text(json.dumps(old, indent=0) + "\n")

    layers = {
        f"lin{i}.model.1.weight": portable.weight("lpips_slim16", f"lin{i}.model.1.weight", (1, width, 1, 1))
        for i, width in enumerate([4, 8, 16, 32, 32])
    }
    layers = {name: torch.from_numpy(value).abs() for name, value in layers.items()}
    torch.save(layers, HERE / "lpips/lpips_lin_slim16.legacy.pth", _use_new_zipfile_serialization=False)
    package = pathlib.Path(importlib.util.find_spec("lpips").origin).parent
    for name in ["vgg", "squeeze"]:
        shutil.copy(package / f"weights/v0.1/{name}.pth", HERE / f"lpips/lpips_v0.1_{name}.pth")


if __name__ == "__main__":
    main()
