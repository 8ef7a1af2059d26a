"""The files of one network in the working folder."""

import pathlib


class Files:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.checkpoint = self.folder / "network.pt"
        self.config = self.folder / "config.json"
        self.store = self.folder / "network.ud2w"
        self.onnx = self.folder / "network.onnx"
        self.inputs = self.folder / "inputs.safetensors"

    def output(self, program):
        """The output of `ours` or a peer, for comparing them."""
        return self.folder / f"{program}.npy"

    def log(self, program):
        """What a program wrote to standard error."""
        return self.folder / f"{program}.log"
