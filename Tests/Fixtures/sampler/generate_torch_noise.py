#!/usr/bin/env python3
"""Makes torch_noise.safetensors: draws of PyTorch's CPU generator after one seed, in this order.

Run with PyTorch 2.15 on a machine with AVX2 or AVX-512; ATEN_CPU_CAPABILITY=default differs by up to 2.1e-6.
"""
import pathlib

import torch
from safetensors.torch import save_file

torch.manual_seed(1675)
draws = {}
for index, count in enumerate((5, 48, 3, 50, 1, 12288, 16, 17)):
    draws[f"normals_{index}"] = torch.randn(count)
draws["uniforms"] = torch.rand(21)
draws["after"] = torch.randn(33)
save_file(draws, pathlib.Path(__file__).parent / "torch_noise.safetensors",
          metadata={"torch": torch.__version__, "capability": torch.backends.cpu.get_cpu_capability()})
