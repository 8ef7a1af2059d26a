#!/usr/bin/env python3
"""Writes Tests/Fixtures/hostile/: small files that torch.save itself wrote, and a few that attackers would.

Run with a Python that has torch and numpy. Files differ between runs only in serialization ids.
"""
import argparse
import collections
import json
import os
import pathlib
import pickle
import warnings
import zipfile

import numpy
import torch

HERE = pathlib.Path(__file__).parent / "hostile"
warnings.filterwarnings("ignore")


def tensors():
    """One tensor of every kind that the reader delivers."""
    base = torch.arange(24, dtype=torch.float32)
    out = collections.OrderedDict()
    for name in ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "uint16",
                 "uint32", "uint64", "float8_e4m3fn", "float8_e5m2"]:
        out[f"type.{name}"] = torch.arange(6).reshape(2, 3).to(torch.float32).to(getattr(torch, name))
    out["type.bool"] = torch.tensor([True, False, True])
    out["type.complex64"] = torch.tensor([1 + 2j, 3 - 4j], dtype=torch.complex64)
    out["view.slice"] = base[4:10]
    out["view.transposed"] = base.reshape(4, 6).t()
    out["view.channels_last"] = base.reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)
    out["view.expanded"] = base[:3].expand(2, 3)
    out["view.strided"] = base.reshape(4, 6)[::2, 1::2]
    out["view.conjugated"] = torch.tensor([1 + 2j, 3 - 4j], dtype=torch.complex64).conj()
    out["view.negated"] = torch.tensor([1 + 2j, 3 - 4j], dtype=torch.complex64).conj().imag
    out["scalar"] = torch.tensor(7.5)
    out["empty"] = torch.empty(0, 3)
    out["parameter"] = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    return out


def expected(state):
    """Name -> shape and dense little-endian bytes, from torch itself."""
    table = {}
    for name, tensor in state.items():
        dense = tensor.detach().resolve_conj().resolve_neg().contiguous()
        raw = dense.reshape(-1).view(torch.uint8).numpy().tobytes() if dense.numel() else b""
        table[name] = {"shape": list(tensor.shape), "bytes": raw.hex()}
    return table


def rezip(source, target, method):
    """The same records through Python's zipfile, which pads nothing and can deflate."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", method) as new:
        for info in old.infolist():
            # A fixed date, so that the file is the same on every day.
            copy = zipfile.ZipInfo(info.filename, (1980, 1, 1, 0, 0, 0))
            copy.compress_type = method
            new.writestr(copy, old.read(info))


def archive(path, pickled, storages=()):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as out:
        for name, data in [("data.pkl", pickled), ("version", b"3\n"), ("byteorder", b"little"), *storages]:
            out.writestr(zipfile.ZipInfo("archive/" + name, (1980, 1, 1, 0, 0, 0)), data)


class Call:
    """Pickles as a call of anything with anything."""

    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


class Block(torch.nn.Module):
    """A module whose class no reader will know."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(2, 3)
        self.register_buffer("steps", torch.tensor(5))
        self.register_buffer("cache", torch.zeros(1), persistent=False)
        self.layers = torch.nn.ModuleList([torch.nn.Linear(1, 1, bias=False), torch.nn.BatchNorm1d(2)])
        self.tied = self.linear


def main():
    HERE.mkdir(exist_ok=True)
    for old in HERE.iterdir():
        old.unlink()
    torch.manual_seed(0)
    state = tensors()
    (HERE / "tensors.json").write_text(json.dumps(expected(state), indent=0, sort_keys=True) + "\n")
    for protocol in [2, 3, 4, 5]:
        torch.save(state, HERE / f"protocol{protocol}.pt", pickle_protocol=protocol)
    rezip(HERE / "protocol2.pt", HERE / "deflated.pt", zipfile.ZIP_DEFLATED)

    module = Block()
    torch.save(module, HERE / "module.pt")
    (HERE / "module.json").write_text(json.dumps(expected(module.state_dict()), indent=0, sort_keys=True) + "\n")

    honest = {
        "state_dict": {"w": torch.ones(2)},
        "epoch": numpy.int64(3),
        "loss": numpy.float32(0.5),
        "array": numpy.arange(3),
        "args": argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("a/b")),
        "set": {1, 2},
        "counter": collections.Counter("aab"),
        "default": collections.defaultdict(list, {"a": [1]}),
        "device": torch.device("cuda", 0),
        "dtype": torch.float16,
        "size": torch.Size([1, 2]),
        "bytes": b"\x00\xff",
        "optimizer": {"state": {0: {"step": torch.tensor(1.0), "exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1}]},
        "list": [torch.zeros(1), (torch.ones(1),)],
    }
    for protocol in [2, 4]:
        torch.save(honest, HERE / f"honest{protocol}.pt", pickle_protocol=protocol)

    evil = {"w": 1, "payload": Call(os.system, "echo owned")}
    archive(HERE / "os_system.pt", pickle.dumps(evil, 2))
    archive(HERE / "os_system4.pt", pickle.dumps(evil, 4))
    archive(HERE / "eval.pt", pickle.dumps(Call(eval, "1+1"), 2))
    archive(HERE / "load_from_bytes.pt", pickle.dumps(Call(torch.storage._load_from_bytes, pickle.dumps(evil, 2)), 2))

    # Eight mebibytes of zeros in eight kilobytes.
    with zipfile.ZipFile(HERE / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr(zipfile.ZipInfo("archive/data.pkl", (1980, 1, 1, 0, 0, 0)), bytes(8 << 20), zipfile.ZIP_DEFLATED, 9)

    for path in sorted(HERE.iterdir()):
        print(f"{path.stat().st_size:8} {path.name}")


if __name__ == "__main__":
    main()
