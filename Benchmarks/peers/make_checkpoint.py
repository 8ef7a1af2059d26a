#!/usr/bin/env python3
"""Write a network's checkpoint, its input, and config.json where the converter needs one: NETWORK FOLDER SIZE."""

import json
import sys

import torch
from safetensors.torch import save_file

from files import Files
from subjects import PRIOR, SUBJECTS


def main():
    name, folder, size = sys.argv[1:]
    subject, files = SUBJECTS[name], Files(folder)
    if name == "small":
        # A checkpoint keeps strides, and this one has those of channels_last.
        state = {key: value.clone(memory_format=torch.contiguous_format) for key, value in torch.load(PRIOR).items()}
    else:
        _, state = subject.case.build()
    torch.save(state, files.checkpoint)
    if subject.has_config:
        config = {key: value for key, value in subject.bare().config.items() if not key.startswith("_")}
        files.config.write_text(json.dumps({"_class_name": "UNet2DModel"} | config))
    save_file({key: value.contiguous() for key, value in subject.inputs(int(size)).items()}, files.inputs)


if __name__ == "__main__":
    main()
