#!/usr/bin/env python3
"""Writes the seeds of the targets whose input is no file by itself, from the fixtures and from known answers.

Needs only Python's own library. The other targets start from the fixtures as they are.
"""

import hashlib
import json
import pathlib
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "Tests" / "Fixtures"


def write(target, name, data):
    folder = HERE / "Corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def pickles():
    """The main pickle of every small archive."""
    for path in sorted(FIXTURES.glob("*/*.p*t*")) + sorted(FIXTURES.glob("hostile/*")):
        if path.stem.startswith("laughs"):
            continue  # bounded work, but seconds of it: nothing to mutate
        if not zipfile.is_zipfile(path):
            continue
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.endswith("/data.pkl")]
            if names:
                try:
                    data = archive.read(names[0])
                except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError):
                    continue  # what is wrong with the archive is what the fixture is about
                if len(data) <= 4096:
                    write("pickle", path.stem, data)


def framed(header, data_bytes):
    """The input of SafetensorsFrame: the number of data bytes, then the header."""
    return data_bytes.to_bytes(2, "little") + header


def headers():
    for path in sorted(FIXTURES.rglob("*.safetensors")):
        data = path.read_bytes()
        length = int.from_bytes(data[:8], "little")
        if length <= 4096 and len(data) - 8 - length < 65536:
            write("safetensors", path.stem, framed(data[8 : 8 + length], len(data) - 8 - length))
    for name, text in {
        "none": "{}",
        "metadata": '{"__metadata__":{"format":"pt","k\\u00e9":"\\ud83d\\ude00"}}',
        "empty": '{"a":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]}}',
        "scalar": '{"a":{"dtype":"F64","shape":[],"data_offsets":[0,8]}}',
        "packed": '{"a":{"dtype":"F4","shape":[4,2],"data_offsets":[0,4]}}',
    }.items():
        write("safetensors", name, framed(text.encode(), {"scalar": 8, "packed": 4}.get(name, 0)))
    interpreted("quantised", {"a": ("I8", [4], 4), "b": ("U8", [2], 2), "b.scales": ("F64", [2], 16),
                              "b.zero_points": ("I64", [2], 16), "c": ("U32", [2], 8), "d": ("F64", [3, 2], 48)}, {
        "a": {"kind": "quantised", "dtype": "qint8", "scheme": "per_tensor_affine", "scale": 0.5, "zero_point": 3},
        "b": {"kind": "quantised", "dtype": "quint4x2", "scheme": "per_channel_affine", "axis": 0, "shape": [2, 2]},
        "c": {"kind": "torch", "dtype": "complex32"}, "d": {"kind": "torch", "dtype": "complex128"}})
    for layout, parts in {
        "coo": {"indices": ("I64", [1, 2], 16), "values": ("F32", [2, 3], 24)},
        "csr": {"crow_indices": ("I64", [3], 24), "col_indices": ("I64", [2], 16), "values": ("F32", [2], 8)},
    }.items():
        interpreted(layout, {f"s.{part}": value for part, value in parts.items()}, {
            f"s.{part}": {"kind": "sparse", "layout": f"torch.sparse_{layout}", "part": part, "shape": [2, 3]}
            for part in parts})


def interpreted(name, tensors, meanings):
    """A file whose metadata say what its tensors' elements stand for."""
    header, end = {"__metadata__": {"ud2w.quant": json.dumps(meanings)}}, 0
    for tensor, (dtype, shape, size) in tensors.items():
        header[tensor] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    write("safetensors", name, framed(json.dumps(header).encode(), end))


def store(name, tensors, aliases=None, extra=None, checks=True):
    """A store header whose digests are those of the frame's data, so that verifying succeeds."""
    header, checksums, lines, end = {}, {}, [], 0
    for tensor, (dtype, shape, size) in tensors.items():
        end = -(-end // 64) * 64
        header[tensor] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        data = bytes((i * 37) & 0xFF for i in range(end, end + size))
        sha = hashlib.sha256(data).hexdigest()
        checksums[tensor] = {"x": "0123456789abcdef", "s": sha}
        lines.append((tensor, dtype, shape, sha))
        end += size
    for alias, target in (aliases or {}).items():
        lines.append((alias, *next(line[1:] for line in lines if line[0] == target)))
    text = [f"{n}\0{d}\0{','.join(map(str, s))}\0{h}\n".encode() for n, d, s, h in lines]
    metadata = {"format": "pt", "ud2w.version": "1", "ud2w.align": "64"} | (extra or {})
    if aliases:
        metadata["ud2w.aliases"] = json.dumps(aliases)
    if checks:
        metadata["ud2w.check"] = json.dumps(checksums)
        metadata["ud2w.content"] = hashlib.sha256(b"".join(sorted(text))).hexdigest()
    write("store", name, framed(json.dumps({"__metadata__": metadata} | header).encode(), end))


def stores():
    two = {"a": ("F32", [4, 4], 64), "b": ("F16", [32], 64)}
    store("two", two)
    store("aliases", two, aliases={"c": "a", "d": "b"})
    store("unchecked", two, checks=False)
    store("empty", {})
    store(
        "described", {"a": ("BF16", [32], 64)}, checks=False,
        extra={
            "ud2w.config": '{"lr":1e-4}', "ud2w.source": '{"file":"x.pt"}', "ud2w.lineage": '[{"step":"cast"}]',
            "ud2w.created": "2026-01-31T12:00:00Z", "ud2w.license": "MIT", "ud2w.note": "n",
        })
    adm = {
        "family": "adm", "image_channels": 3, "input_channels": 3, "output_channels": 6, "model_channels": 32,
        "level_channels": [32, 64], "residual_blocks": 1, "attention_levels": [1], "heads": {"channels": 32},
        "attention_order": "legacy", "scale_shift": True, "resampling": "conv", "classes": 10,
        "super_resolution": False,
    }
    store("network", {"a": ("F32", [16], 64)}, checks=False, extra={"ud2w.arch": json.dumps(adm)})


def documents():
    for name, text in {
        "numbers": "[0,-0,1.5,-1e-7,1E+300,18446744073709551615,-9223372036854775808,123456789012345678901,5e-324]",
        "strings": '["","\\u0000\\ud83d\\ude00\\"\\\\\\/\\b\\f\\n\\r\\t","é","\U0001f600"]',
        "nested": '{"a":[{"b":{"c":[true,false,null]}}],"":{}}',
        "deep": "[" * 60 + "]" * 60,
        "spaces": " \t\r\n[ 1 , 2 ]\n",
    }.items():
        write("json", name, text.encode())


pickles()
headers()
stores()
documents()
