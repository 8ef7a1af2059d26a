"""UD2M as one of the programs: converted, timed by `ud2m bench`, compared through `ud2m forward`."""

import json

import numpy as np
import paths  # noqa: F401  (finds Tools/parity)
from safetensors.numpy import load_file
from ud2m import Tools


class Ours:
    def __init__(self, folder, plan, files, threads):
        self.tools, self.plan, self.files = Tools(folder), plan, files
        self.options = ["--threads", threads]

    def version(self):
        return self.tools.run("ud2m", "--version")[0].strip()

    def convert(self):
        self.tools.convert(self.files.checkpoint, self.files.store, *self.plan.convert_options)

    def save(self):
        """Keeps the output of one forward."""
        output = self.files.folder / "ours.safetensors"
        self.tools.forward(self.files.store, self.files.inputs, output, "--force", *self.options,
                           *self.plan.forward_options)
        np.save(self.files.output("ours"), load_file(output)["out"])

    def time(self):
        """The report of `ud2m bench` from a process of its own, which warms up by itself."""
        text, _ = self.tools.run("ud2m", "bench", self.files.store, "--size", self.plan.size, "--runs",
                                 self.plan.timed, "--json", *self.options)
        return json.loads(text)
