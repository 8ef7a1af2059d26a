"""Writes upsampling.safetensors: PyTorch's bicubic interpolation of small images.

Run with torch and safetensors installed; the torch version is recorded in the file.
"""
import pathlib

import torch
from safetensors.torch import save_file

torch.manual_seed(7)
image = torch.randn(2, 1, 3, 5, dtype=torch.float64)
tensors = {"image": image.float()}
for factor in (2, 3, 4):
    up = torch.nn.functional.interpolate(
        image.float().double(), scale_factor=factor, mode="bicubic", align_corners=False)
    tensors[f"factor_{factor}"] = up.float().contiguous()
path = pathlib.Path(__file__).with_name("upsampling.safetensors")
save_file(tensors, path, metadata={"torch": torch.__version__})
