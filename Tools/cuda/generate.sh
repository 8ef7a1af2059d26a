#!/usr/bin/env bash
# Compiles Sources/CUDA/kernels to Sources/CUDA/ptx and measures registers; needs Python 3 and, the first time, PyPI.
#
#   Tools/cuda/generate.sh            writes *.ptx and REGISTERS.md
#   Tools/cuda/generate.sh --check    compares them with what is committed, byte for byte
#   Tools/cuda/generate.sh NAME…      only these files, such as conv_f16; their registers are printed
#
# UD2M_CUDA_WHEELS names a folder with the two unpacked wheels, to be used instead of installing them.
set -euo pipefail
cd "$(dirname "$0")/../.."

# NVRTC 12.0 writes PTX 8.0, which every driver since 12.0 accepts; ptxas is newer, to know the newer architectures.
nvrtc=nvidia-cuda-nvrtc-cu12==12.0.140
nvcc=nvidia-cuda-nvcc==13.5.37

wheels=${UD2M_CUDA_WHEELS:-}
if [[ -z $wheels ]]; then
    wheels=.build/cuda-compilers
    if [[ ! -e $wheels/installed || $(<"$wheels/installed") != "$nvrtc $nvcc" ]]; then
        rm -rf "$wheels"
        python3 -m venv "$wheels/venv"
        # Without their dependencies: the two programs need nothing else.
        "$wheels/venv/bin/pip" install --quiet --no-deps --target "$wheels" "$nvrtc" "$nvcc"
        echo "$nvrtc $nvcc" >"$wheels/installed"
    fi
fi
ptxas=$(find "$wheels/nvidia" -name ptxas -path '*bin*' -print -quit)
chmod +x "$ptxas"
exec python3 Tools/cuda/generate.py --nvrtc "$wheels/nvidia/cuda_nvrtc/lib/libnvrtc.so.12" --ptxas "$ptxas" "$@"
