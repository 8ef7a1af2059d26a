"""Makes the checkpoints under `checkpoints/` and `checkpoints/manifest.json`, which says what each holds.

Run with PyTorch 2.15, numpy and safetensors: `python make_checkpoints.py`, or with `--only old_protocols` to make the
files of one function again and leave all others as they are. The manifest is written from the objects in
memory, or from what the format's definition says for files made by hand; never from what a reader of ours says.
For every tensor: path (one component a level, as the toolkit shows it), dtype (safetensors' spelling, or PyTorch's),
shape, and the SHA-256 of its contiguous little-endian bytes. `skipped` lists paths that cannot be delivered.
"""

import argparse
import collections
import hashlib
import io
import json
import os
import pathlib
import pickle
import re
import shutil
import struct
import sys
import tarfile
import types
import unittest.mock
import warnings
import zipfile

import numpy as np
import torch
import torch.utils.serialization
from safetensors.torch import save_file

warnings.simplefilter("ignore")
OUT = pathlib.Path(__file__).parent / "checkpoints"
MANIFEST = {}
NAMES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint64: "U64", torch.uint32: "U32",
    torch.uint16: "U16", torch.uint8: "U8", torch.bool: "BOOL", torch.complex64: "C64", torch.float8_e5m2: "F8_E5M2",
    torch.float8_e4m3fn: "F8_E4M3", torch.float8_e8m0fnu: "F8_E8M0", torch.float8_e4m3fnuz: "F8_E4M3FNUZ",
    torch.float8_e5m2fnuz: "F8_E5M2FNUZ", torch.float4_e2m1fn_x2: "F4",
}
SEED = torch.Generator().manual_seed(20)


# What the reader should find.


def raw(tensor):
    """The contiguous little-endian bytes of a strided tensor."""
    tensor = tensor.detach().cpu()
    if tensor.is_conj():
        tensor = tensor.resolve_conj()
    if tensor.is_neg():
        tensor = tensor.resolve_neg()
    if tensor.numel() == 0:
        return b""
    if tensor.dtype in (torch.float4_e2m1fn_x2, torch.complex32) and tensor.is_contiguous():
        return bytes(tensor.view(torch.uint8 if tensor.dtype == torch.float4_e2m1fn_x2 else torch.int32)
                     .contiguous().view(torch.uint8).numpy().tobytes())
    return tensor.clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8).numpy().tobytes()


def entry(path, tensor):
    """A manifest row for a strided tensor."""
    shape = list(tensor.shape)
    if tensor.dtype == torch.float4_e2m1fn_x2:
        shape[-1] *= 2
    return row(path, NAMES.get(tensor.dtype, str(tensor.dtype).removeprefix("torch.")), shape, raw(tensor))


def row(path, dtype, shape, data):
    return {"path": list(path), "dtype": dtype, "shape": list(shape), "sha256": hashlib.sha256(data).hexdigest()}


def key_text(key):
    """A path component: text as it is, None, booleans and integers as Python prints them, the rest as `@key:` literal."""
    if isinstance(key, str):
        return "@key:" + repr(key) if re.search(r"\A(-*[0-9]+|None|True|False|@.*)\Z|[\ud800-\udfff]", key) else key
    return str(key) if key is None or isinstance(key, (bool, int)) else "@key:" + repr(key)


def parts(path, tensor):
    """The rows of any tensor: one, or one for each of its parts."""
    if tensor.layout == torch.sparse_coo:
        return [entry(path + ["indices"], tensor._indices()), entry(path + ["values"], tensor._values())]
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return [entry(path + ["crow_indices"], tensor.crow_indices()),
                entry(path + ["col_indices"], tensor.col_indices()), entry(path + ["values"], tensor.values())]
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return [entry(path + ["ccol_indices"], tensor.ccol_indices()),
                entry(path + ["row_indices"], tensor.row_indices()), entry(path + ["values"], tensor.values())]
    if tensor.is_nested:
        return [entry(path + [str(index)], part) for index, part in enumerate(tensor.unbind())]
    if tensor.is_quantized:
        integers = tensor.int_repr()
        name = str(tensor.dtype).removeprefix("torch.")
        if name in ("quint4x2", "quint2x4"):
            data = bytes(tensor.untyped_storage())
            rows = [row(path, name, [len(data)], data)]
        else:
            rows = [row(path, name, tensor.shape, raw(integers))]
        if "per_channel" in str(tensor.qscheme()):
            rows += [entry(path + ["scales"], tensor.q_per_channel_scales()),
                     entry(path + ["zero_points"], tensor.q_per_channel_zero_points())]
        return rows
    return [entry(path, tensor)]


def walk(value, path=()):
    """The rows of every tensor in dicts, lists and tuples."""
    path = list(path)
    if isinstance(value, torch.Tensor):
        return parts(path, value)
    if isinstance(value, dict):
        return [r for key, item in value.items() for r in walk(item, path + [key_text(key)])]
    if isinstance(value, (list, tuple)):
        return [r for index, item in enumerate(value) for r in walk(item, path + [str(index)])]
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        return [entry(path, torch.from_numpy(np.array(value.astype(value.dtype.newbyteorder("=")), order="C")))]
    return []


def expect(name, container, rows, skipped=()):
    MANIFEST[name] = {"container": container, "tensors": rows, "skipped": [list(path) for path in skipped]}


def saved(name, value, rows=None, skipped=(), legacy=False, **options):
    """Saves a value with torch.save and expects what `walk` finds in it."""
    torch.save(value, OUT / name, _use_new_zipfile_serialization=not legacy, **options)
    expect(name, "torch-legacy" if legacy else "torch-zip", walk(value) if rows is None else rows, skipped)


def normal(*shape):
    return torch.randn(*shape, generator=SEED)


# Pickles and archives by hand.


class Pickle:
    """Opcodes one after the other."""

    def __init__(self, protocol=2):
        self.data = bytes([0x80, protocol]) if protocol is not None else b""

    def op(self, *items):
        for item in items:
            self.data += item if isinstance(item, bytes) else item.encode("latin1")
        return self

    def text(self, text):
        data = text.encode()
        return self.op(b"X", struct.pack("<I", len(data)), data)

    def bytestring(self, text):
        return self.op(b"U", bytes([len(text)]), text)

    def int(self, value):
        return self.op(b"J", struct.pack("<i", value)) if abs(value) < 1 << 31 else self.op(
            b"\x8a\x08", struct.pack("<q", value))

    def ints(self, values):
        self.op(b"(")
        for value in values:
            self.int(value)
        return self.op(b"t")

    def glob(self, module, name):
        return self.op(b"c", module, b"\n", name, b"\n")

    def ordered_dict(self):
        return self.glob("collections", "OrderedDict").op(b")R")

    def storage(self, key, kind, count, module="torch", legacy=False, view=None, bytestrings=False):
        text = self.bytestring if bytestrings else self.text
        self.op(b"(")
        text("storage")
        self.glob(module, kind)
        text(key)
        text("cpu")
        self.int(count)
        if legacy:
            if view is None:
                self.op(b"N")
            else:
                self.op(b"(")
                text(view[0])
                self.int(view[1]).int(view[2]).op(b"t")
        return self.op(b"tQ")

    def tensor(self, key, kind, count, shape, strides, offset=0, **options):
        self.glob("torch._utils", "_rebuild_tensor_v2").op(b"(")
        self.storage(key, kind, count, **options)
        self.int(offset).ints(shape).ints(strides).op(b"\x89")
        return self.ordered_dict().op(b"tR")

    @property
    def done(self):
        return self.data + b"."


def zip_file(name, entries, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(OUT / name, "w", method) as archive:
        for entry_name, data in entries:
            info = zipfile.ZipInfo(entry_name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            archive.writestr(info, data)


def torch_zip(name, data, storages, byteorder=None, version=b"3\n", root="archive", method=zipfile.ZIP_STORED):
    entries = [(f"{root}/data.pkl", data)]
    if byteorder:
        entries.append((f"{root}/byteorder", byteorder))
    entries += [(f"{root}/data/{key}", value) for key, value in storages.items()]
    if version:
        entries.append((f"{root}/version", version))
    zip_file(name, entries, method)


def rezip(source, name, change=lambda n, d: (n, d), method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(OUT / source) as archive:
        entries = [change(n, archive.read(n)) for n in archive.namelist()]
    zip_file(name, [e for e in entries if e], method)


def legacy_file(name, object_pickle, storages, extra=b"", keys_protocol=2, system=None):
    """A legacy stream; `storages` maps keys to (count, bytes) in file order."""
    system = system or {"protocol_version": 1001, "little_endian": True,
                        "type_sizes": {"short": 2, "int": 4, "long": 4}}
    data = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps(system, 2) + object_pickle
    data += pickle.dumps(list(storages), keys_protocol)
    for count, content in storages.values():
        data += struct.pack("<q", count) + content
    (OUT / name).write_bytes(data + extra)


def fake_module(name, **classes):
    """A module that only exists while the fixtures are made."""
    module = types.ModuleType(name)
    for key, value in classes.items():
        value.__module__, value.__qualname__ = name, key
        setattr(module, key, value)
    sys.modules[name] = module
    sys.modules.setdefault(name.split(".")[0], types.ModuleType(name.split(".")[0]))
    return module


# torch.save archives.


def mixed():
    linear = torch.nn.Linear(3, 2)
    return {
        "state_dict": collections.OrderedDict(
            (name, normal(*value.shape)) for name, value in linear.state_dict().items()),
        "epoch": 7, "loss": 0.25, "name": "naïve \U0001f600", "flags": (True, None), "raw": b"\x00\xff",
        "big": 1 << 80, "set": {1, 2}, "frozen": frozenset([3]), "history": [normal(2), {"best": normal(1, 2)}],
    }


def zips():
    for protocol in (2, 3, 4, 5):
        saved(f"zip-protocol{protocol}.pt", mixed(), pickle_protocol=protocol)
    standard = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
                torch.int8, torch.uint8, torch.complex64, torch.complex128]
    all_types = {str(t).removeprefix("torch."): (normal(2, 3) * 40).to(t) for t in standard}
    all_types["bool"] = torch.tensor([True, False, True])
    saved("zip-dtypes.pt", all_types)
    saved("legacy-dtypes.pt", all_types, legacy=True)
    later = {str(t).removeprefix("torch."): torch.tensor([0, 1, 2, 3, 4, 65], dtype=torch.int64).to(t).reshape(2, 3)
             for t in (torch.uint16, torch.uint32, torch.uint64)}
    for t in (torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz,
              torch.float8_e8m0fnu):
        later[str(t).removeprefix("torch.")] = torch.arange(1, 7, dtype=torch.uint8).view(t)
    later["float4"] = torch.arange(1, 9, dtype=torch.uint8).reshape(2, 4).view(torch.float4_e2m1fn_x2)
    later["complex32"] = torch.tensor([1 + 2j, -3.5j, 0]).to(torch.complex32)
    later["offset"] = torch.arange(9, dtype=torch.int32).view(torch.uint32)[2:7]
    saved("zip-dtypes-v3.pt", later)
    saved("legacy-dtypes-v3.pt", later, legacy=True)
    bits = Pickle().op(b"}")
    for index, dtype in enumerate(("bits8", "bits1x8", "bits2x4", "bits4x2", "bits16", "bcomplex32")):
        width = {"bits16": 2, "bcomplex32": 4}.get(dtype, 1)
        bits.text(dtype).glob("torch._utils", "_rebuild_tensor_v3").op(b"(")
        bits.storage(str(index), "UntypedStorage", 2 * width, module="torch.storage").int(0).ints([2]).ints([1])
        bits.op(b"\x89").ordered_dict().glob("torch", dtype).op(b"tRs")
    contents = {str(i): bytes(range(i, i + 2 * w)) for i, w in enumerate((1, 1, 1, 1, 2, 4))}
    torch_zip("zip-bits.pt", bits.done, contents)
    expect("zip-bits.pt", "torch-zip", [
        row([d], d, [2], contents[str(i)])
        for i, d in enumerate(("bits8", "bits1x8", "bits2x4", "bits4x2", "bits16", "bcomplex32"))])

    base = torch.arange(60.0)
    views = {
        "transposed": base[:12].reshape(3, 4).t(), "channels_last": normal(2, 3, 4, 5).to(
            memory_format=torch.channels_last), "offset": base[7:19].reshape(3, 4), "steps": base[3:40:4],
        "expanded": torch.tensor([[5.0]]).expand(3, 4), "rows_repeated": base[:4].expand(3, 4),
        "overlapping": base.as_strided((4, 5), (3, 1), 2), "permuted": normal(2, 3, 4).permute(2, 0, 1),
        "one_sized": base.as_strided((1, 3, 1), (999, 2, 77)), "scalar": base[11], "empty": base[:0].reshape(0, 3),
        "empty_of_many": torch.empty(3, 0, 5), "slice_2d": base.reshape(6, 10)[1:5, 2:9:3], "one": base[3:4],
        "rank9": normal(1, 2, 1, 2, 1, 2, 1, 1, 2), "last_element": base[59:],
    }
    saved("zip-strides.pt", views)
    saved("legacy-strides.pt", views, legacy=True)
    tied = normal(4, 3)
    saved("zip-aliases.pt", {
        "embed.weight": tied, "head.weight": tied, "transposed": tied.t(), "part": tied[1:3], "again": {"x": tied}})
    shared = {"w": normal(2), "b": normal(3)}
    saved("zip-shared-dict.pt", {"model": shared, "ema": shared, "list": [shared, shared],
        "deep": {"x": [[shared["w"]], {"y": {"z": shared["b"]}}]}})
    nested = {"state": {0: {"exp_avg": normal(2)}}, "parts": [normal(1), (normal(1),)]}
    saved("zip-shared-deep.pt", {"first": nested, "second": nested, "third": [nested, {"again": nested}]})
    z = torch.complex(normal(2, 3), normal(2, 3))
    saved("zip-conj-neg.pt", {
        "conj": z.conj(), "conj_transposed": z.t().conj(), "neg": torch.complex(normal(2, 3), normal(2, 3)).conj().imag, "physical": z.conj().resolve_conj(),
        "double": torch.complex(normal(3).double(), normal(3).double()).conj()})
    x = normal(4, 6) * 2
    quantised = {
        "qint8": torch.quantize_per_tensor(x, 0.1, 3, torch.qint8),
        "quint8": torch.quantize_per_tensor(x, 0.05, 128, torch.quint8),
        "qint32": torch.quantize_per_tensor(x, 0.001, 0, torch.qint32),
        "transposed": torch.quantize_per_tensor(x, 0.1, 3, torch.qint8).t(),
        "channels": torch.quantize_per_channel(x, torch.rand(4) + 0.1, torch.arange(4), 0, torch.qint8),
        "channels_last_axis": torch.quantize_per_channel(x, torch.rand(6) + 0.1, torch.arange(6), 1, torch.quint8),
        "quint4x2": torch.quantize_per_channel(x, torch.rand(4) + 0.1, torch.rand(4), 0, torch.quint4x2),
        "quint2x4": torch.quantize_per_channel(x, torch.rand(4) + 0.1, torch.rand(4), 0, torch.quint2x4),
    }
    saved("zip-quantised.pt", quantised)
    saved("legacy-quantised.pt", {key: quantised[key] for key in ("qint8", "channels")}, legacy=True)
    sparse = x * (x > 1)
    saved("zip-sparse.pt", {
        "coo": sparse.to_sparse(), "hybrid": sparse.to_sparse(1), "csr": sparse.to_sparse_csr(),
        "csc": sparse.to_sparse_csc(), "bsr": sparse.to_sparse_bsr((2, 3)), "bsc": sparse.to_sparse_bsc((2, 2)),
        "uncoalesced": torch.sparse_coo_tensor([[1, 1, 0], [2, 2, 1]], [1.0, 2.0, 3.0], (3, 4)),
        "nothing": torch.zeros(3, 3).to_sparse(),
    })
    ragged = torch.nested.nested_tensor([normal(2, 3), normal(1, 3), normal(4, 3)])
    saved("zip-nested.pt", {"nested": ragged})
    jagged = torch.nested.nested_tensor([normal(2, 3), normal(1, 3)], layout=torch.jagged)
    torch.save({"jagged": jagged}, OUT / "zip-jagged.pt")
    call = ["jagged", "@arg:2", "0"]
    state = ["jagged", "@state"]
    cache = jagged._metadata_cache
    expect("zip-jagged.pt", "torch-zip", [
        entry(call + ["values"], jagged.values()), entry(call + ["offsets"], jagged.offsets()),
        entry(state + ["_values"], jagged.values()), entry(state + ["_offsets"], jagged.offsets()),
        *[entry(start + ["_metadata_cache", key], value) for start in (call, state) for key, value in cache.items()],
    ], [["jagged"]])
    real = normal(2)
    saved("zip-meta.pt", {"meta": torch.empty(3, 4, device="meta"), "real": real}, rows=[entry(["real"], real)],
          skipped=[["meta"]])


def rewritten():
    saved("zip-small.pt", {"w": normal(2, 3), "n": torch.tensor(5)})
    small = MANIFEST["zip-small.pt"]["tensors"]
    again = lambda name: expect(name, "torch-zip", small)
    rezip("zip-small.pt", "zip-deflated.pt", method=zipfile.ZIP_DEFLATED)
    again("zip-deflated.pt")
    rezip("zip-small.pt", "zip-no-version.pt", lambda n, d: None if n.endswith("/version") else (n, d))
    again("zip-no-version.pt")
    rezip("zip-small.pt", "zip-odd-root.pt", lambda n, d: ("épo que (1).x/" + n.split("/", 1)[1], d))
    again("zip-odd-root.pt")
    rezip("zip-small.pt", "zip-pointer-keys.pt", lambda n, d: (
        n.replace("/data/0", "/data/94823263237296"), d.replace(b"X\x01\x00\x00\x000", b"X\x0e\x00\x00\x0094823263237296")))
    again("zip-pointer-keys.pt")

    def resource_forks(n, d):
        return n, d
    rezip("zip-small.pt", "zip-resource-forks.pt", resource_forks)
    with zipfile.ZipFile(OUT / "zip-resource-forks.pt", "a") as archive:
        archive.writestr(zipfile.ZipInfo("__MACOSX/zip-small/._data.pkl"), b"fork")
        archive.writestr(zipfile.ZipInfo("zip-small/sub/data.pkl"), b"decoy")
    again("zip-resource-forks.pt")
    torch.serialization.set_crc32_options(False)
    saved("zip-no-crc.pt", {"w": normal(2, 3)})
    torch.serialization.set_crc32_options(True)
    MANIFEST["zip-no-crc.pt"]["allow_missing_crc"] = True
    torch.utils.serialization.config.save.storage_alignment = 4096
    saved("zip-aligned.pt", {"w": normal(2, 3), "v": normal(1)})
    torch.utils.serialization.config.save.storage_alignment = 64

    # Big-endian: torch writes little-endian here, so the storages are swapped by hand.
    values = {
        "f32": normal(2, 2), "f64": normal(2).double(), "f16": normal(3).half(), "bf16": normal(3).bfloat16(),
        "i64": torch.tensor([1, -2]), "i32": torch.tensor([3, -4], dtype=torch.int32),
        "i16": torch.tensor([5, -6], dtype=torch.int16), "i8": torch.tensor([7, -8], dtype=torch.int8),
        "bool": torch.tensor([True, False]), "c64": torch.complex(normal(2), normal(2)),
        "c128": torch.complex(normal(2).double(), normal(2).double()), "strided": normal(2, 3).t(),
        "u16": torch.tensor([1, 500], dtype=torch.uint16), "u32": torch.tensor([1, 70000], dtype=torch.uint32),
        "u64": torch.tensor([1, 1 << 40], dtype=torch.uint64), "c32": torch.complex(normal(2), normal(2)).to(
            torch.complex32), "f8": torch.tensor([1.0, 2.0]).to(torch.float8_e5m2),
    }
    torch.save(values, OUT / "little.tmp")
    widths = {}
    for index, tensor in enumerate(values.values()):
        part = tensor.dtype.itemsize // (2 if tensor.is_complex() else 1)
        widths[str(index)] = part

    def swap(n, d):
        if n.endswith("/byteorder"):
            return n, b"big"
        folder, key = n.split("/")[-2:]
        if folder == "data":
            d = np.frombuffer(d, np.uint8).reshape(-1, widths[key])[:, ::-1].tobytes()
        return n, d
    rezip("little.tmp", "zip-big-endian.pt", swap)
    (OUT / "little.tmp").unlink()
    expect("zip-big-endian.pt", "torch-zip", walk(values))


class Tagged(torch.Tensor):
    """A tensor subclass with state."""


class Holder:
    """An object of a class that no reader knows."""

    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Slotted:
    __slots__ = ("weight", "name")

    def __init__(self, weight):
        self.weight, self.name = weight, "slots"


class Call:
    """Pickles as a call of any function with any arguments."""

    def __init__(self, function, *arguments, state=None):
        self.function, self.arguments, self.state = function, arguments, state

    def __reduce__(self):
        return (self.function, self.arguments) if self.state is None else (self.function, self.arguments, self.state)


def objects():
    parameter = torch.nn.Parameter(normal(2, 2))
    stateful = torch.nn.Parameter(normal(2))
    stateful.scale = normal(1)
    tagged = normal(3).as_subclass(Tagged)
    tagged.note = normal(2)
    torch.save({
        "parameter": parameter, "buffer": torch.nn.Buffer(normal(2)), "stateful": stateful, "tagged": tagged,
        "frozen": torch.nn.Parameter(normal(1), requires_grad=False),
    }, OUT / "zip-parameters.pt")
    loaded = torch.load(OUT / "zip-parameters.pt", weights_only=False)
    expect("zip-parameters.pt", "torch-zip", [
        *[entry([key], loaded[key].as_subclass(torch.Tensor)) for key in loaded],
        entry(["stateful", "@state", "scale"], stateful.scale), entry(["tagged", "@state", "note"], tagged.note)])

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
            self.rnn = torch.nn.LSTM(2, 2, 1)
            self.register_buffer("kept", normal(2))
            self.register_buffer("dropped", normal(2), persistent=False)
            self.register_parameter("none", None)
            self.tie = self.body
            self.cache = normal(2)
            self.options = {"alpha": 0.5, "table": normal(1)}
    fake_module("models.net", Network=Network)
    model = Network()
    torch.save(model, OUT / "zip-module.pt", pickle_protocol=2)
    extra = [entry(["dropped"], model.dropped), entry(["@attr:cache"], model.cache),
             entry(["@attr:options", "table"], model.options["table"])]
    expect("zip-module.pt", "torch-zip", [
        entry([name], value) for name, value in model.state_dict().items()] + extra
        + [entry(["rnn.@attr:_flat_weights", str(i)], w) for i, w in enumerate(model.rnn._flat_weights)])
    sequential = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Sequential(torch.nn.LayerNorm(2)))
    with unittest.mock.patch("torch.serialization.get_source_lines_and_file", side_effect=OSError):
        # Without PyTorch's own source text, which would be stored beside each class.
        torch.save({"model": sequential, "epoch": 1}, OUT / "legacy-module.pt", _use_new_zipfile_serialization=False)
    expect("legacy-module.pt", "torch-legacy", [
        entry(["model", name], value) for name, value in sequential.state_dict().items()])

    fake_module("project.things", Holder=Holder, Slotted=Slotted)
    inner = normal(2)
    thing = Holder(weight=inner, nested=[Holder(deep=normal(1))])
    torch.save({"thing": thing, "slots": Slotted(normal(2)), "args": argparse.Namespace(lr=0.1, prior=normal(2))},
               OUT / "zip-objects.pt", pickle_protocol=2)
    loaded = torch.load(OUT / "zip-objects.pt", weights_only=False)
    expect("zip-objects.pt", "torch-zip", [
        entry(["thing", "@attr:weight"], thing.weight),
        entry(["thing", "@attr:nested", "0", "@attr:deep"], thing.nested[0].deep),
        entry(["slots", "@attr:weight"], loaded["slots"].weight), entry(["args", "@attr:prior"], loaded["args"].prior)])
    saved("zip-containers.pt", {
        "list": [normal(1), (normal(2), [normal(3)])], 5: {"int key": normal(1)}, True: normal(2), None: normal(1),
        (1, 2): 3, "counter": collections.Counter(a=1), "default": collections.defaultdict(list, a=[normal(2)]),
        "deque": collections.deque([normal(1)])}, rows=[])
    value = torch.load(OUT / "zip-containers.pt", weights_only=False)
    rows = walk({k: v for k, v in value.items() if k not in ("deque",)})
    MANIFEST["zip-containers.pt"]["tensors"] = rows + [entry(["deque", "0"], value["deque"][0])]
    saved("zip-keys.pt", {
        "": normal(1), "a.b": {"c": normal(1)}, "a": {"b.c": normal(2)}, "caf\u00e9": normal(1), "cafe\u0301": normal(2),
        "K": normal(1), "\u212a": normal(2), "line\nbreak": normal(1), "\x1b[31m": normal(1), "../up": normal(1),
        "x" * 300: normal(1), "r\r\n": normal(1), "nul\0": normal(1)})
    saved("zip-storages.pt", {"typed": normal(3).storage(), "untyped": normal(2).untyped_storage()}, rows=[])
    value = torch.load(OUT / "zip-storages.pt", weights_only=False)
    MANIFEST["zip-storages.pt"]["tensors"] = [
        row(["typed"], "F32", [3], bytes(value["typed"].untyped())), row(["untyped"], "U8", [8], bytes(value["untyped"]))]
    saved("zip-root-tensor.pt", normal(2, 2))
    saved("zip-root-list.pt", [normal(2), normal(1)])
    saved("zip-empty.pt", {})
    saved("zip-numpy.pt", {
        "w": normal(2), "scalar": np.float64(1.5), "array": np.arange(3), "dtype": np.dtype("f4"),
        "objects": np.array([1, "a"], dtype=object), "complex": 1 + 2j, "path": pathlib.PurePosixPath("a/b"),
        "device": torch.device("cuda:0"), "size": torch.Size([1, 2]), "torch dtype": torch.float16}, skipped=[["objects"]])
    numpy_call = torch._utils._rebuild_device_tensor_from_numpy
    arrays = {"f32": np.arange(6, dtype="<f4").reshape(2, 3), "big": np.arange(4, dtype=">i4"),
              "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "scalar": np.array(2.5)}
    for protocol in (2, 5):
        name = f"zip-device-numpy{protocol}.pt"
        rows = [entry([key], torch.from_numpy(np.array(a.astype(a.dtype.newbyteorder("=")), order="C")))
                for key, a in arrays.items()]
        content = {key: Call(numpy_call, a, {"f32": torch.float32, "big": torch.int32}.get(key, torch.float64),
                             "xla:0", False) for key, a in arrays.items()}
        content["bf16"] = Call(numpy_call, np.array([1.5, -2], "<f4"), torch.bfloat16, "xla:1", False)
        content["cpu"] = Call(torch._utils._rebuild_device_tensor_from_cpu_tensor, torch.arange(3.0), torch.float32,
                              "hpu:0", False)
        rows += [entry(["bf16"], torch.tensor([1.5, -2]).bfloat16()), entry(["cpu"], torch.arange(3.0))]
        torch.save(content, OUT / name, pickle_protocol=protocol)
        expect(name, "torch-zip", rows)
    wrapper = Call(torch._utils._rebuild_wrapper_subclass, torch.Tensor, torch.float32, (2,), (1,), 0, torch.strided,
                   torch.device("cpu"), False)
    torch.save({"wrapper": wrapper, "real": normal(1)}, OUT / "zip-wrapper.pt")
    expect("zip-wrapper.pt", "torch-zip", [entry(["real"], last_tensor("zip-wrapper.pt"))], [["wrapper"]])


def last_tensor(name):
    """The one storage of an archive as float32."""
    with zipfile.ZipFile(OUT / name) as archive:
        names = [n for n in archive.namelist() if "/data/" in n and not n.endswith("/")]
        return torch.frombuffer(bytearray(archive.read(names[-1])), dtype=torch.float32)


# Layouts of published and of our own checkpoints.


def layouts():
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
    optimizer = torch.optim.AdamW(net.parameters())
    net(normal(2, 3)).sum().backward()
    optimizer.step()
    state = net.state_dict()
    saved("layout-training.pth.tar", {
        "epoch": 3, "state_dict": {"module." + k: v for k, v in state.items()}, "optimizer": optimizer.state_dict(),
        "best": torch.tensor(0.5)})
    saved("layout-lightning.ckpt", {
        "epoch": 1, "global_step": 10, "pytorch-lightning_version": "2.4.0",
        "state_dict": {"model." + k: v for k, v in state.items()}, "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {"ModelCheckpoint{'monitor': 'loss'}": {"best": torch.tensor(1.0)}},
        "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [],
        "hyper_parameters": argparse.Namespace(lr=1e-3)})
    saved("layout-ema.pth", {
        "params": dict(state), "params_ema": {k: v * 0.5 for k, v in state.items()}})
    saved("layout-litema.ckpt", {"state_dict": {
        **{"model." + k: v for k, v in state.items()},
        **{"model_ema." + k.replace(".", ""): v * 0.5 for k, v in state.items()},
        "model_ema.decay": torch.tensor(0.999), "model_ema.num_updates": torch.tensor(5, dtype=torch.int32)}})
    saved("layout-averaged.pt", {
        "n_averaged": torch.tensor(4), **{"module._orig_mod." + k: v for k, v in state.items()}})
    saved("layout-compiled.pt", {k.replace(".", "._orig_mod.", 1): v for k, v in state.items()})
    lora = {
        "middle_block.1.qkv.parametrizations.weight.0.lora_A": normal(12, 2),
        "middle_block.1.qkv.parametrizations.weight.0.lora_B": normal(2, 4), "out.0.weight": normal(4),
        "out.0.bias": normal(4), "out.2.weight": normal(6, 4, 3, 3), "out.2.bias": normal(6)}
    gan = torch.optim.AdamW([torch.nn.Parameter(v) for v in lora.values()])
    for group in gan.param_groups:
        for p in group["params"]:
            p.grad = torch.zeros_like(p)
    gan.step()
    gan_state = gan.state_dict()
    saved("layout-ud2m.ckpt", {
        "epoch": 10, "global_step": 100, "pytorch-lightning_version": "2.4.0", "state_dict": dict(lora), "loops": {},
        "callbacks": {"EMA{}": {}}, "optimizer_states": [gan_state], "lr_schedulers": [], "beta_std": 1, "is_valid": 0,
        "HQS_state_dict": {
            "SP_Param.0": torch.tensor(0.5), "LambdaSIG.0": torch.tensor(1.5), "TAUG.0": torch.tensor(0.1),
            "TLAT.0": torch.tensor(0.2), **{"model." + k: v for k, v in lora.items()}},
        "Discriminator_state_dict": {"head.weight": normal(1, 4)}, "model_state_dict": {},
        "opt_g_state_dict": gan.state_dict(), "opt_d_state_dict": {"state": {}, "param_groups": []}})

    class Node:
        def __init__(self, **kw):
            self.__dict__.update(kw)
    fake_module("omegaconf.dictconfig", DictConfig=type("DictConfig", (Node,), {}))
    fake_module("omegaconf.nodes", AnyNode=type("AnyNode", (Node,), {}))
    config = sys.modules["omegaconf.dictconfig"].DictConfig(_metadata=None, _parent=None)
    config._content = {"lr": sys.modules["omegaconf.nodes"].AnyNode(_val=0.1, _parent=config)}
    w = normal(2)
    torch.save({"cfg": config, "model": {"w": w}}, OUT / "layout-omegaconf.ckpt")
    expect("layout-omegaconf.ckpt", "torch-zip", [entry(["model", "w"], w)])


# Files by hand: Python 2, 2017, tar.


def handmade():
    f = [normal(6) for _ in range(3)]
    data = [t.numpy().tobytes() for t in f]
    old = Pickle().op(b"}")
    old.text("tensor").glob("torch", "FloatTensor").op(b")\x81(").storage("0", "FloatStorage", 6).int(1).ints(
        [2, 2]).ints([2, 1]).op(b"tbs")
    old.text("cuda").glob("torch.cuda", "FloatTensor").op(b")\x81(").storage(
        "1", "FloatStorage", 6, module="torch.cuda").int(0).ints([6]).ints([1]).op(b"tbs")
    old.text("variable").glob("torch.autograd.variable", "Variable").tensor(
        "2", "FloatStorage", 6, [3, 2], [1, 3]).op(b"\x85R\x88\x89").ordered_dict().op(b"\x87bs")
    old.text("parameter").glob("torch.nn.parameter", "Parameter").op(b")\x81(").tensor(
        "2", "FloatStorage", 6, [6], [1]).op(b"N").ordered_dict().op(b"\x88\x89tbs")
    old.text("first builder").glob("torch._utils", "_rebuild_tensor").op(b"(").storage("0", "FloatStorage", 6).int(
        0).ints([6]).ints([1]).op(b"tRs")
    old.text("newobj").glob("copy_reg", "__newobj__").op(b"(").glob("torch.nn.parameter", "Parameter").tensor(
        "0", "FloatStorage", 6, [2, 3], [3, 1]).op(b"tR\x88\x89").ordered_dict().op(b"\x87bs")
    torch_zip("zip-2017.pt", old.done, dict(zip("012", data)))
    rows = [entry(["tensor"], f[0].as_strided((2, 2), (2, 1), 1)), entry(["cuda"], f[1]),
            entry(["variable"], f[2].as_strided((3, 2), (1, 3))), entry(["parameter"], f[2]),
            entry(["first builder"], f[0]), entry(["newobj"], f[0].reshape(2, 3))]
    expect("zip-2017.pt", "torch-zip", rows)

    py2 = Pickle().glob("collections", "OrderedDict").op(b"](]").bytestring("weight").op(b"a")
    py2.tensor("0", "FloatStorage", 6, [2, 3], [3, 1], legacy=True, bytestrings=True).op(b"ae\x85R")
    legacy_file("legacy-python2.pt", py2.done, {"0": (6, data[0])}, keys_protocol=0)
    expect("legacy-python2.pt", "torch-legacy", [entry(["weight"], f[0].reshape(2, 3))])
    views = Pickle().op(b"}")
    views.text("whole").tensor("root", "FloatStorage", 6, [6], [1], legacy=True).op(b"s")
    views.text("view").tensor("root", "FloatStorage", 6, [2], [1], legacy=True, offset=1, view=("v", 2, 3)).op(b"s")
    legacy_file("legacy-view-metadata.pt", views.done, {"root": (6, data[1])})
    expect("legacy-view-metadata.pt", "torch-legacy", [entry(["whole"], f[1]), entry(["view"], f[1][3:5])])
    module = Pickle().op(b"}").text("net").op(b"(").text("module").glob("my.models", "Net").text("net.py").text(
        "class Net: pass").op(b"tQ)\x81}(").text("_parameters").op(b"}").text("w").tensor(
        "0", "FloatStorage", 6, [6], [1], legacy=True).op(b"s").text("_buffers").op(b"}").text("_modules").op(b"}ubs")
    legacy_file("legacy-module-source.pt", module.done, {"0": (6, data[2])})
    expect("legacy-module-source.pt", "torch-legacy", [entry(["net", "w"], f[2])])
    two = Pickle().op(b"}").text("b").tensor("9", "FloatStorage", 6, [6], [1], legacy=True).op(b"s").text(
        "a").tensor("10", "LongStorage", 2, [2], [1], legacy=True).op(b"s")
    numbers = torch.tensor([7, -1])
    legacy_file("legacy-key-order.pt", two.done, {"9": (6, data[0]), "10": (2, numbers.numpy().tobytes())},
                extra=b"trailing", system={"protocol_version": 1001, "little_endian": False, "type_sizes": {}})
    expect("legacy-key-order.pt", "torch-legacy", [entry(["b"], f[0]), entry(["a"], numbers)])

    def tar(name, views, tensors, pickled, flavour):
        storages = pickle.dumps(2, 2)
        for key, (kind, count, content) in {"100": ("FloatStorage", 6, data[0]),
                                            "101": ("LongStorage", 2, numbers.numpy().tobytes())}.items():
            storages += Pickle().op(b"(").int(int(key)).bytestring("cpu").glob("torch", kind).op(b"t").done
            storages += struct.pack("<q", count) + content
        storages += pickle.dumps(views, 2)
        table = pickle.dumps(len(tensors), 2)
        for key, storage, kind, shape, strides, offset in tensors:
            table += Pickle().op(b"(").int(key).int(storage).glob("torch", kind).op(b"t").done
            table += struct.pack("<ii", len(shape), 0) + struct.pack(f"<{len(shape)}q", *shape)
            table += struct.pack(f"<{len(strides)}q", *strides) + struct.pack("<q", offset)
        with tarfile.open(OUT / name, "w", format=flavour) as archive:
            for member, content in (("storages", storages), ("tensors", table), ("pickle", pickled)):
                info = tarfile.TarInfo(member)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    text = Pickle(None).op(b"(dp0\nS'w'\nP1\nsS'n'\nP2\ns")
    tensors = [(1, 100, "FloatTensor", [2, 3], [3, 1], 0), (2, 101, "LongTensor", [2], [1], 0)]
    rows = [entry(["w"], f[0].reshape(2, 3)), entry(["n"], numbers)]
    tar("tar-text.pth", [], tensors, text.done, tarfile.USTAR_FORMAT)
    expect("tar-text.pth", "torch-tar", rows)
    header = bytearray((OUT / "tar-text.pth").read_bytes())
    for start in range(0, len(header), 512):
        if header[start + 257:start + 262] == b"ustar":
            header[start + 257:start + 512] = bytes(255)
            header[start + 148:start + 156] = b" " * 8
            header[start + 148:start + 156] = b"%06o\0 " % sum(header[start:start + 512])
    (OUT / "tar-v7.pth").write_bytes(header)
    expect("tar-v7.pth", "torch-tar", rows)
    binary = Pickle().op(b"}").text("view").int(3).op(b"Qs").text("net").op(b"(").glob("my.models", "Net").text(
        "net.py").text("class Net: pass").op(b"tQ)\x81}(").text("_parameters").op(b"}").text("w").int(1).op(
        b"Qs").text("_buffers").op(b"}").text("_modules").op(b"}ubs")
    tensors = tensors + [(3, 102, "FloatTensor", [2], [1], 1)]
    tar("tar-views.pth", [(102, 100, 2, 3)], tensors, binary.done, tarfile.GNU_FORMAT)
    expect("tar-views.pth", "torch-tar", [entry(["view"], f[0][3:5]), entry(["net", "w"], f[0].reshape(2, 3))])


def legacies():
    for protocol in (2, 3, 4, 5):
        saved(f"legacy-protocol{protocol}.pt", mixed(), legacy=True, pickle_protocol=protocol)
    tied = normal(3)
    saved("legacy-aliases.pt", {"a": tied, "b": tied[1:], "c": normal(2)}, legacy=True)
    saved("legacy-sparse.pt", {"coo": torch.eye(3).to_sparse()}, legacy=True)
    saved("legacy-empty.pt", {"nothing": torch.empty(0), "step": 3}, legacy=True)


# Other containers.


class Scripted(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
        self.register_buffer("mean", torch.arange(2.0))
        self.scale = 2.5

    def forward(self, x):
        return self.layers(x) * self.scale + self.mean.view(1, 2, 1, 1) + torch.ones(1)


def save_script(module, name):
    """Saves without the debug records, which name folders of the machine."""
    torch.jit.save(module, OUT / name)
    rezip(name, name, lambda n, d: None if n.endswith(".debug_pkl") else (n, d))


def other_containers():
    scripted = torch.jit.script(Scripted().eval())
    save_script(scripted, "script.pt")
    expect("script.pt", "torchscript", [entry([k], v) for k, v in torch.jit.load(OUT / "script.pt").state_dict().items()])
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    model[2].weight = torch.nn.Parameter(normal(1, 3))
    fixed = normal(3)

    class Adder(torch.nn.Module):
        def forward(self, x):
            return x + fixed
    traced = torch.jit.trace(Adder(), normal(3))
    save_script(traced, "script-constants.pt")
    expect("script-constants.pt", "torchscript", [entry(["@constants", "0"], fixed)])
    traced = torch.jit.trace(model, normal(1, 2))
    save_script(traced, "script-traced.pt")
    expect("script-traced.pt", "torchscript", [entry([k], v) for k, v in model.state_dict().items()])

    from torch.package import PackageExporter
    for name, resources in (("package.pt", ["model.pkl"]), ("package-two.pt", ["model.pkl", "extra.pkl"])):
        rows = []
        with PackageExporter(OUT / name) as exporter:
            for index, resource in enumerate(resources):
                value = {"w": normal(2, 2), "ids": torch.arange(index + 1)}
                exporter.save_pickle("models", resource, value)
                rows += walk(value, [f"models/{resource}"] if len(resources) > 1 else [])
        expect(name, "torch-package", rows)

    plain = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3)).eval()
    plain[0].register_buffer("table", normal(2).half())
    program = torch.export.export(plain, (normal(4, 2),))
    for node in program.graph.nodes:
        # They name folders of the machine.
        node.meta.pop("stack_trace", None)
    torch.export.save(program, OUT / "export.pt2")
    expect("export.pt2", "torch-export", [entry([k], v) for k, v in program.state_dict.items()],
           [["data/sample_inputs/model.pt"]])
    buffer = io.BytesIO()
    torch.save(dict(program.state_dict), buffer)
    constants = io.BytesIO()
    torch.save({"c": normal(1)}, constants)
    c = torch.load(io.BytesIO(constants.getvalue()))["c"]
    zip_file("export-first.pt2", [
        ("serialized_exported_program.json", b"{}"), ("serialized_state_dict.pt", buffer.getvalue()),
        ("serialized_constants.pt", constants.getvalue()), ("version", b"5.1")])
    expect("export-first.pt2", "torch-export", [entry([k], v) for k, v in program.state_dict.items()]
           + [entry(["@constants", "c"], c)])

    import torch.distributed.checkpoint as dcp
    state = {"model": {"a.weight": normal(3, 4), "b": normal(2).half()}, "step": 3,
             "optim": {"state": [normal(2), torch.tensor(1)]}}
    dcp.save(state, checkpoint_id="checkpoints/dcp", no_dist=True)
    expect("dcp", "torch-distributed", walk(state))
    tiled("dcp-tiled")

    tensors = {f"layer.{i}.weight": normal(2, i + 1) for i in range(4)}
    (OUT / "sharded").mkdir()
    names = list(tensors)
    weights = {}
    for index, part in enumerate((names[:2], names[2:])):
        shard = f"model-0000{index + 1}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, OUT / "sharded" / shard)
        weights.update(dict.fromkeys(part, shard))
    index = {"metadata": {"total_size": 1}, "weight_map": weights}
    (OUT / "sharded" / "model.safetensors.index.json").write_text(json.dumps(index))
    expect("sharded", "sharded", walk(tensors))
    (OUT / "sharded-bin").mkdir()
    torch.save({n: tensors[n] for n in names[:3]}, OUT / "sharded-bin" / "a.bin")
    torch.save({n: tensors[n] for n in names[3:]} | {"unlisted": normal(1)}, OUT / "sharded-bin" / "b.bin",
               _use_new_zipfile_serialization=False)
    weights = {n: "a.bin" if n in names[:3] else "b.bin" for n in names}
    (OUT / "sharded-bin" / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": weights}))
    expect("sharded-bin/pytorch_model.bin.index.json", "sharded", walk(tensors), [["unlisted"]])
    every = {str(t).removeprefix("torch."): torch.arange(1, 9, dtype=torch.uint8).view(t) for t in NAMES
             if t.itemsize == 1 and t is not torch.bool and t is not torch.float4_e2m1fn_x2}
    every |= {"f32": normal(2, 3), "bf16": normal(3).bfloat16(), "u16": torch.tensor([1, 2], dtype=torch.uint16),
              "bool": torch.tensor([True, False]), "scalar": torch.tensor(3), "empty": torch.empty(0, 4),
              "c64": torch.complex(normal(1), normal(1)), "f4": later_float4()}
    save_file(every, OUT / "all.safetensors")
    expect("all.safetensors", "safetensors", walk(every))


def later_float4():
    return torch.arange(1, 5, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)


def tiled(name):
    """A distributed checkpoint of three ranks, whose chunks cut a tensor along both dimensions."""
    from torch.distributed.checkpoint import metadata as m
    from torch.distributed.checkpoint.filesystem import _StorageInfo
    whole = normal(5, 6)
    long = torch.arange(7)
    folder = OUT / name
    folder.mkdir()
    boxes = [((0, 0), (2, 6)), ((2, 0), (3, 4)), ((2, 4), (3, 2))]
    chunks, storage = [], {}
    for rank, (offsets, sizes) in enumerate(boxes):
        part = whole[offsets[0]:offsets[0] + sizes[0], offsets[1]:offsets[1] + sizes[1]]
        data = io.BytesIO()
        # One chunk is stored transposed, to see that strides are obeyed.
        torch.save(part.t().contiguous().t() if rank == 1 else part.clone(), data)
        piece = io.BytesIO()
        torch.save(long[rank * 3:rank * 3 + 3].clone(), piece)
        file = f"__{rank}_0.distcp"
        (folder / file).write_bytes(data.getvalue() + piece.getvalue())
        chunks.append(m.ChunkStorageMetadata(torch.Size(offsets), torch.Size(sizes)))
        storage[m.MetadataIndex("w", torch.Size(offsets), rank)] = _StorageInfo(file, 0, len(data.getvalue()))
        storage[m.MetadataIndex("n", torch.Size([rank * 3]), rank)] = _StorageInfo(
            file, len(data.getvalue()), len(piece.getvalue()))
    properties = m.TensorProperties(dtype=torch.float32)
    pieces = [m.ChunkStorageMetadata(torch.Size([r * 3]), torch.Size([min(3, 7 - r * 3)])) for r in range(3)]
    value = m.Metadata({
        "w": m.TensorStorageMetadata(properties, torch.Size([5, 6]), chunks),
        "n": m.TensorStorageMetadata(m.TensorProperties(dtype=torch.int64), torch.Size([7]), pieces),
    }, None, storage)
    (folder / ".metadata").write_bytes(pickle.dumps(value))
    expect(name, "torch-distributed", [entry(["w"], whole), entry(["n"], long)])


def numpy_files():
    def npy(name, array, dtype, shape, data, version=None):
        with open(OUT / name, "wb") as file:
            np.lib.format.write_array(file, array, version=version)
        expect(name, "npy", [row([], dtype, shape, data)])
    a = np.arange(6, dtype="<f4").reshape(2, 3)
    npy("array.npy", a, "F32", [2, 3], a.tobytes())
    npy("array-v2.npy", a.astype("<i8"), "I64", [2, 3], a.astype("<i8").tobytes(), (2, 0))
    npy("array-v3.npy", a.astype("<c16"), "complex128", [2, 3], a.astype("<c16").tobytes(), (3, 0))
    npy("array-fortran.npy", np.asfortranarray(a), "F32", [2, 3], a.tobytes())
    npy("array-big.npy", a.astype(">f8"), "F64", [2, 3], a.astype("<f8").tobytes())
    npy("array-bool.npy", a > 2, "BOOL", [2, 3], (a > 2).tobytes())
    npy("array-scalar.npy", np.array(7, "<u2"), "U16", [], np.array(7, "<u2").tobytes())
    npy("array-bfloat16.npy", np.array([0x3F80, 0x4000], "<u2").view("V2"), "BF16", [2],
        np.array([0x3F80, 0x4000], "<u2").tobytes())
    arrays = {"a": a, "b.c": np.asfortranarray(a.astype(">i2")), "empty": np.zeros((0, 3))}
    rows = [row(["a"], "F32", [2, 3], a.tobytes()), row(["b.c"], "I16", [2, 3], a.astype("<i2").tobytes()),
            row(["empty"], "F64", [0, 3], b"")]
    np.savez(OUT / "arrays.npz", **arrays)
    expect("arrays.npz", "npz", rows)
    np.savez_compressed(OUT / "arrays-deflated.npz", **arrays)
    expect("arrays-deflated.npz", "npz", rows)


def old_protocols():
    """Protocols 0 and 1, in which PyTorch cannot read its own files back; bare pickles; keys of every kind."""
    def ramp(*shape):
        return torch.arange(1.0, 1 + int(np.prod(shape))).reshape(shape)
    state = {"w": ramp(2, 3).t(), "tied": None, "half": ramp(2).half(), "ids": torch.tensor([3, -1]),
             "parameter": torch.nn.Parameter(ramp(3)), "list": [ramp(1), {"inner": ramp(2, 1)}], "epoch": 5}
    state["tied"] = state["w"]
    for protocol in (0, 1):
        for legacy in (False, True):
            saved(f"{'legacy' if legacy else 'zip'}-protocol{protocol}.pt", state, legacy=legacy,
                  pickle_protocol=protocol)
    arrays = {"mean": np.arange(3, dtype="<f4"), "big": np.arange(4, dtype=">i2"), "epoch": 3,
              "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "more": [np.array([True, False])],
              "objects": np.array([1, "a"], dtype=object), "text": np.array(["a"]),
              "records": np.zeros(2, dtype=[("x", "<u2")])}
    for protocol in range(6):
        name = f"arrays-protocol{protocol}.pkl"
        (OUT / name).write_bytes(pickle.dumps(arrays, protocol))
        expect(name, "pickle", walk(arrays), [["objects"], ["text"], ["records"]])
    numbered = ramp(1)
    keys = {1: [numbered], "1": [ramp(2)], True: ramp(3), "True": [ramp(4)], None: ramp(5), "None": [ramp(6)],
            "@attr:x": ramp(7), b"k": ramp(8), "k": ramp(9), ("a", 1): ramp(10), ("a", "1"): ramp(11), 1.5: ramp(12),
            "a\ud800": ramp(13), "a\ud801": ramp(14), -1: ramp(15), (): ramp(16), ("a",): ramp(17)}
    # True is the key 1 to Python: the later value stands under the earlier key.
    assert len(keys) == 16
    saved("zip-keys-kinds.pt", keys, pickle_protocol=3)
    (OUT / "data-without-archive.pkl").write_bytes(
        Pickle().op(b"}").text("w").tensor("0", "FloatStorage", 6, [6], [1]).op(b"s").done)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="the function whose files to make again")
    only = parser.parse_args().only
    # Relative paths: some of PyTorch's formats record where they were made.
    os.chdir(OUT.parent)
    makers = (zips, rewritten, objects, layouts, handmade, legacies, other_containers, numpy_files, old_protocols)
    if only:
        MANIFEST.update(json.loads((OUT / "manifest.json").read_text())["files"])
        makers = [make for make in makers if make.__name__ == only]
    else:
        shutil.rmtree(OUT, ignore_errors=True)
        OUT.mkdir()
    torch.manual_seed(20)
    for make in makers:
        make()
    manifest = {"torch": torch.__version__, "files": MANIFEST}
    (OUT / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=True) + "\n")
    print(len(MANIFEST), "checkpoints,", sum(len(f["tensors"]) for f in MANIFEST.values()), "tensors")


if __name__ == "__main__":
    main()
