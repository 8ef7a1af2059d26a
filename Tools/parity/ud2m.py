"""The command-line tools as this folder's scripts use them, and how two results are compared."""

import pathlib
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "Tests" / "Fixtures"))


class Tools:
    """`ud2m-convert` and `ud2m` of one build."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def convert(self, checkpoint, store, *options):
        return self.run("ud2m-convert", checkpoint, store, *options)

    def forward(self, store, inputs, output, *options):
        return self.run("ud2m", "forward", store, "--input", inputs, "--output", output, *options)

    def run(self, tool, *arguments):
        """Standard output and seconds of a run; a failing tool's message is shown before this script ends."""
        start = time.perf_counter()
        done = subprocess.run([self.folder / tool, *map(str, arguments)], capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if done.returncode != 0:
            print(done.stdout + done.stderr, file=sys.stderr)
            raise RuntimeError(f"{tool} {' '.join(map(str, arguments))} ended with {done.returncode}")
        return done.stdout, seconds


def relative_rms(found, expected):
    """‖found - expected‖ / ‖expected‖, in double precision."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def largest_difference(found, expected):
    return float(np.abs(np.asarray(found, np.float64) - np.asarray(expected, np.float64)).max())


def versions(*packages):
    """`name version` of each installed package, for the record."""
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} (missing)")
    return ", ".join(found)
