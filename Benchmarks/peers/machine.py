"""What the numbers depend on: the processor, its threads, and the versions of everything."""

import os
import pathlib
import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("torch", "diffusers", "onnx", "onnxscript", "onnxruntime", "openvino", "numpy")
INSTRUCTIONS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile")


def processor():
    """The model's name, and which wide instructions it has."""
    fields = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = fields.get("flags", "").split()
    return {
        "model": fields.get("model name", platform.processor()),
        "instructions": [name for name in INSTRUCTIONS if name in flags],
    }


def versions():
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def describe(threads):
    return {
        "processor": processor(), "processors": len(os.sched_getaffinity(0)), "threads": threads,
        "memoryBytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "system": platform.platform(),
        "versions": versions(),
    }
