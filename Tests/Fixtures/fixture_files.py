"""Reading, comparing and tapping: what the cases of every network share."""

import contextlib
import json
import pathlib

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
# float32 outputs of these networks differ from float64 ones by up to 3e-6, and between builds of torch by up to 8e-6.
TOLERANCE = 3e-5


class Fixture:
    """One `.io.safetensors` file: what it holds, and beside it what was computed again."""

    def __init__(self, path, inputs=()):
        self.path = pathlib.Path(path)
        self.case = self.path.name.removesuffix(".io.safetensors")
        self.inputs = set(inputs)
        with safe_open(self.path, "numpy") as file:
            self.stored = {name: file.get_tensor(name) for name in file.keys()}
            self.metadata = file.metadata()
        self.computed = {}
        self.tolerances = {}

    @property
    def meta(self):
        return json.loads(self.metadata["meta"])

    def tensor(self, name):
        """A stored input; it is not expected to be computed again."""
        self.inputs.add(name)
        return torch.from_numpy(self.stored[name])

    def put(self, name, value, tolerance=TOLERANCE):
        """Keeps a computed value; a batch is cut to the items that the file stores."""
        value = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        stored = self.stored.get(name)
        if stored is not None and value.shape[1:] == stored.shape[1:]:
            value = value[: len(stored)]
        self.computed[name] = value
        self.tolerances[name] = tolerance

    def put_taps(self, taps, prefix="act/"):
        """Keeps the inner activations that the file stores, with as many channels as it stores."""
        for name in self.stored:
            tap = name.removeprefix(prefix)
            if name.startswith(prefix) and tap in taps:
                self.put(name, taps[tap][:, : self.stored[name].shape[1]])

    def check(self):
        """Prints the largest difference; tells whether all is there and within tolerance."""
        worst, worst_name, is_fine = 0.0, "", True
        for name, value in self.computed.items():
            expected = self.stored.get(name)
            if expected is None or expected.shape != value.shape:
                found = None if expected is None else expected.shape
                print(f"{self.case}: {name} has shape {value.shape}, the fixture {found}")
                is_fine = False
                continue
            difference = float(np.abs(expected.astype(np.float64) - value).max())
            if not difference <= self.tolerances[name]:
                print(f"{self.case}: {name} differs by {difference:.2e}, tolerance {self.tolerances[name]:.0e}")
                is_fine = False
            if not difference <= worst:
                worst, worst_name = difference, name
        missing = set(self.stored) - set(self.computed) - self.inputs
        if missing:
            print(f"{self.case}: not computed: {sorted(missing)}")
        print(f"{self.case}: {len(self.computed)} tensors, largest difference {worst:.2e} in {worst_name}")
        return is_fine and not missing

    def write(self):
        """Replaces stored outputs by computed ones; the inputs stay."""
        typed = {name: np.ascontiguousarray(value, dtype=self.stored[name].dtype)
                 for name, value in self.computed.items()}
        save_file(self.stored | typed, self.path, metadata=self.metadata)


@contextlib.contextmanager
def tapped(network):
    """The output of every module by name, filled while the network runs."""
    taps = {}

    def keep(name):
        def hook(module, inputs, output):
            if isinstance(output, torch.Tensor):
                taps[name] = output
        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in network.named_modules() if name]
    try:
        with torch.no_grad():
            yield taps
    finally:
        for handle in handles:
            handle.remove()
