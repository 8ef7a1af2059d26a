#!/usr/bin/env python3
"""Write a network as ONNX: NETWORK FOLDER.

The weights get a file of their own, since those of ADM exceed the 2 GB of one protobuf message.
"""

import sys

import torch
from safetensors.torch import load_file

from files import Files
from subjects import arguments, loaded


def main():
    name, folder = sys.argv[1:]
    files = Files(folder)
    network = loaded(name, files.checkpoint)
    inputs = arguments(network, load_file(files.inputs))
    with torch.no_grad():
        torch.onnx.export(network, tuple(inputs.values()), files.onnx, dynamo=True, external_data=True,
                          input_names=list(inputs), output_names=["out"])


if __name__ == "__main__":
    main()
