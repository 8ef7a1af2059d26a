"""Makes the hostile files under `attacks/` and `attacks/manifest.json`: one or more for every row of `formats.md` §10.1.

Run with PyTorch 2.15: `python make_attacks.py`. Nothing here is ever executed: pickles are assembled byte by byte.
The manifest says for every file which row it stands for, and either the error code of the refusal, or the severity and
name of the finding it must be flagged with (`dangerous` refuses too, when converting), or `bounded` when it only has to
be read in bounded time and memory.
"""

import io
import json
import os
import pathlib
import pickle
import shutil
import struct
import tarfile
import zlib

import numpy as np

from make_checkpoints import Pickle

OUT = pathlib.Path(__file__).parent / "attacks"
MANIFEST = {}
W = struct.pack("<6f", *range(6))


def expect(name, row, code=None, flags=(), reads=False):
    """`reads` says that the refusal comes when the tensors are read, as converting does."""
    MANIFEST[name] = {"row": row, "code": code, "flags": [list(flag) for flag in flags], "reads": reads}


def build(entries, **lies):
    """A zip archive from (name, data, options) rows, byte by byte, so that every field can lie."""
    out, central = lies.get("prefix", b""), b""
    for name, data, *rest in entries:
        o = rest[0] if rest else {}
        name = name if isinstance(name, bytes) else name.encode()
        method, flags = o.get("method", 0), o.get("flags", 0x0800)
        payload = o.get("payload", data)
        crc, size, offset = o.get("crc", zlib.crc32(data)), o.get("size", len(data)), o.get("offset", len(out))
        local = o.get("local", name)
        out += struct.pack("<IHHHHHIIIHH", 0x04034B50, 0, flags, method, 0, 0, crc, len(payload), size, len(local), 0)
        out += local + payload
        central += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 0, 0, flags, method, 0, 0, crc, len(payload), size,
                               len(name), 0, 0, 0, 0, 0, offset) + name
    start, count = len(out), lies.get("count", len(entries))
    out += central
    if "zip64" in lies:
        position = len(out)
        out += struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, lies["zip64"], lies["zip64"], len(central), start)
        out += struct.pack("<IIQI", 0x07064B50, 0, position, 1)
    comment = lies.get("comment", b"")
    return out + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(central), start, len(comment)) + comment


def deflate(data):
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush()


def archive(data, storages=None, extra=(), **lies):
    # Long runs of one opcode are stored deflated, to keep the files small.
    entries = [("a/data.pkl", data, {"method": 8, "payload": deflate(data)} if len(data) > 10_000 else {})]
    entries += [(f"a/data/{k}", v) for k, v in (storages or {}).items()] + [("a/version", b"3\n"), *extra]
    return build(entries, **lies)


def torch_zip(name, row, data, storages=None, code=None, flags=(), reads=False, **lies):
    (OUT / name).write_bytes(archive(data, storages, **lies))
    expect(name, row, code, flags, reads)


def weight(pickle=None):
    return (pickle or Pickle()).op(b"}").text("w").tensor("0", "FloatStorage", 6, [2, 3], [3, 1]).op(b"s")


def call(module, name, argument="id"):
    return Pickle().glob(module, name).text(argument).op(b"\x85R")


class SystemCall:
    """What a pickle made by Python's own module calls when it is loaded."""

    def __reduce__(self):
        return os.system, ("id",)


def calls():
    row = "denied global called"
    system = [("dangerous", "posix.system")]
    torch_zip("call-reduce.pt", row, call("posix", "system").done, flags=system)
    torch_zip("call-python2.pt", row, call("__builtin__", "eval").done, flags=[("dangerous", "builtins.eval")])
    short = lambda text: b"\x8c" + bytes([len(text)]) + text.encode()
    torch_zip("call-stack-global.pt", row, Pickle(4).op(
        short("posix"), short("system"), b"\x93", short("id"), b"\x85R").done, flags=system)
    torch_zip("call-inst.pt", row, Pickle().op(b"(").text("id").op(b"iposix\nsystem\n").done, flags=system)
    torch_zip("call-obj.pt", row, Pickle().op(b"(").glob("posix", "system").text("id").op(b"o").done, flags=system)
    torch_zip("call-newobj.pt", row, Pickle().glob("posix", "system").text("id").op(b"\x85\x81").done, flags=system)
    torch_zip("call-newobj-ex.pt", row, Pickle(4).glob("posix", "system").text("id").op(b"\x85}\x92").done, flags=system)
    for module, name in (("subprocess", "Popen"), ("importlib", "import_module"), ("runpy", "run_path"),
                         ("socket", "create_connection"), ("shutil", "rmtree"), ("ctypes", "CDLL"),
                         ("webbrowser", "open"), ("sys", "exit"), ("builtins", "setattr")):
        torch_zip(f"call-{module}.pt", row, call(module, name).done, flags=[("dangerous", f"{module}.{name}")])
    torch_zip("denied-value.pt", "denied global never called", weight().text("f").glob("posix", "system").op(b"s").done,
              {"0": W}, flags=[("suspicious", "posix.system")])
    torch_zip("denied-factory.pt", "denied global never called", Pickle().glob("collections", "defaultdict").glob(
        "posix", "system").op(b"\x85R").done, flags=[("suspicious", "posix.system")])

    row = "STACK_GLOBAL by stack semantics"
    torch_zip("stack-global-memo.pt", row, Pickle(4).op(
        short("posix"), b"\x94", short("collections"), b"0", short("system"), b"\x94", b"00", b"h\x00", b"h\x01",
        short("OrderedDict"), b"0", b"\x93").text("id").op(b"\x85R").done, flags=system)
    torch_zip("stack-global-join.pt", row, Pickle(4).op(short("posix")).glob("builtins", "str").text("x").op(
        b"\x85R\x93").done, code="pickle-wrong-kind")

    row = "dotted, odd and look-alike names"
    torch_zip("name-dotted.pt", row, call("torch.serialization", "os.system").done,
              flags=[("dangerous", "torch.serialization.os.system")])
    torch_zip("name-nul.pt", row, call("posix\0", "system").done, flags=[("dangerous", "posix\0.system")])
    torch_zip("name-space.pt", row, call(" posix", "system").done, flags=[("dangerous", " posix.system")])
    torch_zip("name-lookalike.pt", row, call("collections", "OrderedDictEvil").done,
              flags=[("note", "collections.OrderedDictEvil")])
    torch_zip("name-utils.pt", row, call("torch._utils", "evil").done, flags=[("suspicious", "torch._utils.evil")])
    torch_zip("call-unlisted.pt", "denied global called", call("a_package.shell", "run_it").done,
              flags=[("suspicious", "a_package.shell.run_it")])

    row = "call of a call's result"
    torch_zip("call-result.pt", row, call("builtins", "getattr").text("x").op(b"\x85R").done,
              flags=[("dangerous", "builtins.getattr(…)")])
    torch_zip("attrgetter.pt", row, call("operator", "attrgetter", "system").done,
              flags=[("dangerous", "operator.attrgetter")])
    torch_zip("newobj-ex-call.pt", row, call("copyreg", "__newobj_ex__").done,
              flags=[("dangerous", "copyreg.__newobj_ex__")])

    row = "getattr and partial as values"
    getattr_of = lambda module, cls, name: Pickle().glob("builtins", "getattr").glob(module, cls).text(name).op(b"\x86R")
    torch_zip("getattr-value.pt", row, getattr_of("my.enums", "Color", "RED").done, flags=[("note", "builtins.getattr")])
    torch_zip("getattr-denied.pt", row, getattr_of("posix", "x", "system").done,
              flags=[("dangerous", "builtins.getattr")])
    torch_zip("getattr-underscore.pt", row, getattr_of("my.enums", "Color", "__globals__").done,
              flags=[("dangerous", "builtins.getattr")])
    torch_zip("partial-denied.pt", row, Pickle().glob("functools", "partial").glob("posix", "system").op(
        b"\x85R").done, flags=[("dangerous", "functools.partial")])

    row = "BUILD on a class, planted attributes"
    torch_zip("build-class.pt", row, Pickle().glob("my", "Class").op(b"}").text("__setstate__").glob(
        "posix", "system").op(b"sb").done, code="pickle-forbidden-build")
    for name in ("__setstate__", "__reduce__", "__class__", "__init__"):
        torch_zip(f"build-{name.strip('_')}.pt", row, Pickle().glob("my", "Class").op(b")\x81}").text(name).text(
            "x").op(b"sb").done, code="pickle-forbidden-build")

    row = "SETITEM, APPEND or ADDITEMS on a wrong kind"
    torch_zip("setitem-list.pt", row, Pickle().op(b"]").int(0).int(1).op(b"s").done, code="pickle-wrong-kind")
    torch_zip("append-dict.pt", row, Pickle().op(b"}").int(0).op(b"a").done, code="pickle-wrong-kind")
    torch_zip("additems-list.pt", row, Pickle(4).op(b"](K\x01\x90").done, code="pickle-wrong-kind")

    row = "EXT, NEXT_BUFFER, PERSID, persistent ids that are no storage"
    torch_zip("ext.pt", row, Pickle().op(b"\x82\x01").done, code="pickle-forbidden-opcode")
    torch_zip("next-buffer.pt", row, Pickle(5).op(b"\x97").done, code="pickle-forbidden-opcode")
    torch_zip("persid.pt", row, Pickle().op(b"P0\n").done, code="pickle-forbidden-opcode")
    torch_zip("persistent-text.pt", row, Pickle().text("0").op(b"Q").done, code="torch-persistent-id")
    torch_zip("persistent-module.pt", row, Pickle().op(b"(").text("module").glob("m", "C").op(b"NNtQ").done,
              code="torch-persistent-id")

    row = "nested pickles"
    inner = call("posix", "system").done
    as_bytes = lambda data: Pickle(3).op(b"B", struct.pack("<I", len(data)), data).data[2:]
    nest = lambda data: Pickle(3).glob("torch.storage", "_load_from_bytes").op(as_bytes(data), b"\x85R").done
    torch_zip("nested-loads.pt", row, Pickle(3).glob("pickle", "loads").op(as_bytes(inner), b"\x85R").done,
              flags=[("dangerous", "pickle.loads")])
    torch_zip("nested-joblib.pt", row, call("joblib", "load").done, flags=[("dangerous", "joblib.load")])
    torch_zip("nested-load-from-bytes.pt", row, nest(inner), flags=[("dangerous", "posix.system")])
    torch_zip("nested-deep.pt", row, nest(nest(nest(inner))), code="pickle-limit")

    row = "bytes after STOP"
    torch_zip("after-stop.pt", row, weight().done + inner, {"0": W},
              flags=[("suspicious", ""), ("dangerous", "posix.system")])


MAGIC, PROTOCOL = pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2)
SYSTEM = pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {}}, 2)


def legacy(obj=None, keys=None, storages=None, magic=MAGIC, protocol=PROTOCOL, system=SYSTEM):
    obj = obj or Pickle().op(b"}").text("w").tensor("0", "FloatStorage", 6, [6], [1], legacy=True).op(b"s").done
    data = magic + protocol + system + obj + (keys or pickle.dumps(["0"], 2))
    return data + (struct.pack("<q", 6) + W if storages is None else storages)


def other_containers():
    hostile = call("posix", "system").done
    row = "hostile pickles outside data.pkl"

    def write(name, data, row=row, **options):
        (OUT / name).write_bytes(data)
        expect(name, row, **options)
    system = [("dangerous", "posix.system")]
    write("legacy-magic.pt", legacy(magic=hostile), flags=system)
    write("legacy-magic-after.pt", legacy(magic=MAGIC[:-1] + b"0" + hostile[2:]), code="pickle-dangerous")
    write("legacy-keys.pt", legacy(keys=hostile), code="pickle-dangerous")
    write("legacy-object.pt", legacy(obj=call("posix", "system").done, keys=pickle.dumps([], 2), storages=b""),
          flags=system)
    write("legacy-system.pt", legacy(system=hostile), code="pickle-dangerous")
    write("script-constants.pt", build([("s/data.pkl", Pickle().op(b"}").done), ("s/constants.pkl", hostile),
                                        ("s/version", b"3\n")]), flags=system)
    write("package.pt", build([("p/m/m.pkl", hostile), ("p/.data/extern_modules", b""), ("p/.data/version", b"6")]),
          flags=system)
    (OUT / "dcp").mkdir()
    write("dcp/.metadata", hostile, flags=system)
    expect("dcp", row, code="pickle-dangerous")
    del MANIFEST["dcp/.metadata"]
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([{}], dtype=object), w=np.ones(2, dtype=np.float32))
    write("objects.npz", buffer.getvalue())
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], dtype=object))
    write("objects.npy", buffer.getvalue(), code="npy-objects")
    # The same with a pickle that calls something: NumPy writes it into the array.
    calling = np.array([SystemCall()], dtype=object)
    buffer = io.BytesIO()
    np.savez(buffer, a=calling)
    write("call-objects.npz", buffer.getvalue(), flags=system)
    buffer = io.BytesIO()
    np.save(buffer, calling)
    write("call-objects.npy", buffer.getvalue(), code="pickle-dangerous")
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(2, dtype=[("a", "f4")]))
    write("structures.npy", buffer.getvalue(), code="npy-dtype")
    literal = b"{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os').system('id'),), }\n"
    write("eval.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", len(literal)) + literal, code="npy-header")
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }\n"
    write("overflow.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header, "offset and size overflows",
          code="npy-header")

    def tar(name, members, row, **options):
        with tarfile.open(OUT / name, "w") as file:
            for member, content, *kind in members:
                info = tarfile.TarInfo(member)
                info.size = 0 if kind else len(content)
                if kind:
                    info.type, info.linkname = kind[0], content
                file.addfile(info, None if kind else io.BytesIO(content))
        expect(name, row, **options)
    none, table = pickle.dumps(0, 2), pickle.dumps([], 2)
    tar("tar-pickle.pth", [("storages", none + table), ("tensors", none), ("pickle", hostile)], row, flags=system)
    tar("tar-storages.pth", [("storages", hostile), ("tensors", none), ("pickle", none)], row, code="pickle-dangerous")
    row = "path names in archives, indexes and metadata"
    tar("tar-link.pth", [("storages", "/etc/passwd", tarfile.SYMTYPE)], row, code="tar-malformed")
    tar("tar-twice.pth", [("storages", none), ("storages", none)], row, code="tar-malformed")
    tar("tar-count.pth", [("storages", pickle.dumps(1 << 60, 2)), ("tensors", none), ("pickle", none)],
        "declared counts", code="torch-legacy")
    for name, shard in (("up", "../model.bin"), ("absolute", "/etc/passwd"), ("dots", ".."), ("nul", "a\0b"),
                        ("backslash", "..\\x")):
        (OUT / f"index-{name}").mkdir()
        (OUT / f"index-{name}" / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": shard}}))
        expect(f"index-{name}", row, code="unsafe-path")
    (OUT / "index-missing").mkdir()
    (OUT / "index-missing" / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": "a.bin"}}))
    expect("index-missing", row, code="shard-missing")
    (OUT / "index-loop").mkdir()
    (OUT / "index-loop" / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"w": "model.safetensors.index.json"}}))
    expect("index-loop", row, code="shard-index")
    from torch.distributed.checkpoint import metadata as m
    from torch.distributed.checkpoint.filesystem import _StorageInfo
    import torch
    for name, place, code in (("dcp-up", _StorageInfo("../x", 0, 4), "unsafe-path"),
                              ("dcp-range", _StorageInfo("a.distcp", 1 << 62, 1 << 62), "torch-distributed"),
                              ("dcp-outside", _StorageInfo("a.distcp", 0, 1 << 40), "file-range-outside")):
        (OUT / name).mkdir()
        (OUT / name / "a.distcp").write_bytes(b"PK")
        chunk = m.ChunkStorageMetadata(torch.Size([1]), torch.Size([1]))
        value = m.Metadata({"w": m.TensorStorageMetadata(m.TensorProperties(), torch.Size([1]), [chunk])}, None,
                           {m.MetadataIndex("w", torch.Size([0])): place})
        (OUT / name / ".metadata").write_bytes(pickle.dumps(value))
        expect(name, row, code=code)
    for name, offsets in (("dcp-overlap", [0, 1]), ("dcp-hole", [0, 3]), ("dcp-beyond", [0, 4])):
        (OUT / name).mkdir()
        files = {}
        for index, offset in enumerate(offsets):
            data = io.BytesIO()
            torch.save(torch.zeros(2), data)
            (OUT / name / f"{index}.distcp").write_bytes(data.getvalue())
            files[m.MetadataIndex("w", torch.Size([offset]))] = _StorageInfo(
                f"{index}.distcp", 0, len(data.getvalue()))
        chunks = [m.ChunkStorageMetadata(torch.Size([o]), torch.Size([2])) for o in offsets]
        value = m.Metadata({"w": m.TensorStorageMetadata(m.TensorProperties(), torch.Size([5]), chunks)}, None, files)
        (OUT / name / ".metadata").write_bytes(pickle.dumps(value))
        expect(name, "chunks that do not tile", code="torch-distributed")


def zips():
    good = weight().done
    entries = [("a/data.pkl", good), ("a/data/0", W), ("a/version", b"3\n")]

    def write(name, row, code, data, reads=False):
        (OUT / name).write_bytes(data)
        expect(name, row, code, reads=reads)
    row = "zip bombs, lies about sizes, overlaps"
    bomb = bytes(64 << 20)
    write("zip-bomb.pt", row, "zip-bomb", build([("a/data.pkl", bomb, {"method": 8, "payload": deflate(bomb)})]))
    for name, size in (("longer", len(good) - 3), ("shorter", len(good) + 3)):
        write(f"zip-{name}.pt", row, "zip-inflate-failed", build(
            [("a/data.pkl", good, {"method": 8, "payload": deflate(good), "size": size}), *entries[1:]]))
    write("zip-stored-size.pt", row, "zip-header-mismatch", build(
        [("a/data.pkl", good, {"size": len(good) + 1}), *entries[1:]]))
    write("zip-overlap.pt", row, "zip-overlap", build(
        [entries[0], ("a/data.pkl", good, {"offset": 0}), *entries[1:]]))
    row = "duplicate names, two roots, names that differ"
    write("zip-duplicate.pt", row, "zip-duplicate-name", build([*entries, ("a/data.pkl", good)]))
    write("zip-two-roots.pt", row, "torch-layout", build([*entries, ("b/data.pkl", good)]))
    write("zip-local-name.pt", row, "zip-header-mismatch", build(
        [("a/data.pkl", good, {"local": b"a/dXta.pkl"}), *entries[1:]]))
    write("zip-nul-name.pt", row, "zip-header-mismatch", build(
        [(b"a/data.pkl", good, {"local": b"a/data.pk\0"}), *entries[1:]]))
    twin = weight().text("W").tensor("0", "FloatStorage", 6, [6], [1]).op(b"s").done
    write("zip-case-twin.pt", row, None, build([*entries, ("a/DATA.pkl", twin)]))
    row = "bytes around the archive, end record lies, encryption, methods"
    write("zip-prefix.pt", row, "zip-prefix", build(entries, prefix=b"PK\3\4junk"))
    write("zip-script.pt", row, "container-unknown", build(entries, prefix=b"#!/bin/sh\n"))
    write("zip-two-ends.pt", row, "zip-end-ambiguous", build(
        entries, comment=struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0, 0, 0, 0, 0)))
    write("zip-suffix.pt", row, "zip-end-missing", build(entries) + b"trailing")
    write("zip-count-low.pt", row, "zip-directory-malformed", build(entries, count=2))
    write("zip-count-high.pt", row, "zip-directory-malformed", build(entries, count=9))
    write("zip-zip64.pt", row, "zip-end-inconsistent", build(entries, zip64=7))
    write("zip-encrypted.pt", row, "zip-encrypted", build([("a/data.pkl", good, {"flags": 0x0801}), *entries[1:]]))
    write("zip-method.pt", row, "zip-method-unsupported", build([("a/data.pkl", good, {"method": 99}), *entries[1:]]))
    row = "wrong checksums, flipped bits"
    write("zip-crc.pt", row, "zip-checksum", build([("a/data.pkl", good, {"crc": 1}), *entries[1:]]))
    write("zip-flipped.pt", row, "zip-checksum", build(
        [entries[0], ("a/data/0", W, {"payload": bytes([W[0] ^ 1]) + W[1:]}), entries[2]]), reads=True)
    row = "truncation"
    whole = build(entries)
    write("cut-zip.pt", row, "zip-end-missing", whole[:-30])
    write("cut-zip-zeros.pt", row, "zip-end-missing", whole[:-40] + bytes(40))
    write("cut-legacy.pt", row, "torch-legacy", legacy()[:-4])
    write("cut-legacy-pickle.pt", row, "pickle-truncated", legacy()[:90])
    write("zip-unsafe-name.pt", "path names in archives, indexes and metadata", "zip-unsafe-name", build(
        [("a/data.pkl", good.replace(b"X\x01\0\0\x000", b"X\x07\0\0\x00../../x")), ("a/data/../../x", W), entries[2]]))


def tensors():
    row = "records, offsets, strides and sizes that lie"
    make = lambda shape, strides, offset=0, count=6, kind="FloatStorage": Pickle().op(b"}").text("w").tensor(
        "0", kind, count, shape, strides, offset).op(b"s").done
    bounds, malformed = "torch-tensor-bounds", "torch-tensor-malformed"
    torch_zip("record-short.pt", row, make([6], [1]), {"0": W[:-4]}, code="torch-storage-size")
    torch_zip("record-long.pt", row, make([6], [1]), {"0": W + W}, code="torch-storage-size")
    torch_zip("record-missing.pt", row, make([6], [1]), {}, code="torch-storage-missing")
    torch_zip("record-count.pt", row, make([6], [1], count=(1 << 62)), {"0": W}, code="torch-storage-size")
    for name, shape, strides, offset, code in (
            ("beyond", [7], [1], 0, bounds), ("offset", [6], [1], 1, bounds), ("stride", [2], [6], 0, bounds),
            ("stride-overflow", [3], [1 << 62], 0, bounds), ("offset-overflow", [2], [1], (1 << 63) - 1, bounds),
            ("wraps", [1 << 32, 1 << 32], [0, 0], 0, bounds), ("wraps-empty", [1 << 40, 1 << 40, 0], [0, 0, 0], 0, bounds),
            ("negative-size", [-1], [1], 0, malformed), ("negative-stride", [2], [-1], 1, malformed),
            ("negative-offset", [2], [1], -1, malformed), ("rank", [2, 3], [1], 0, malformed),
            ("rank-65", [1] * 65, [1] * 65, 0, malformed)):
        torch_zip(f"tensor-{name}.pt", row, make(shape, strides, offset), {"0": W}, code=code)
    torch_zip("tensor-bool-size.pt", row, make([1], [1]).replace(b"(J\x01\0\0\0t(J\x01\0\0\0t", b"(\x88t(J\x01\0\0\0t"),
              {"0": W}, code=malformed)
    torch_zip("expand-bomb.pt", "stride-0 expansion", make([1 << 20, 1 << 20], [0, 0]), {"0": W},
              code="tensor-expansion", reads=True)
    # Each is as large as one tensor may become; together they are not.
    many = Pickle().op(b"}")
    for number in range(40):
        many.text(f"w{number}").tensor("0", "FloatStorage", 6, [1 << 20, 64], [0, 0], number % 6).op(b"s")
    torch_zip("expand-many.pt", "stride-0 expansion", many.done, {"0": W}, code="tensor-expansion", reads=True)
    row = "quantised and sparse lies"

    def qtensor(quantiser, strides=(3, 1)):
        p = Pickle().op(b"}").text("w").glob("torch._utils", "_rebuild_qtensor").op(b"(")
        p.storage("0", "QInt8Storage", 6).int(0).ints([2, 3]).ints(strides).op(b"(")
        quantiser(p)
        return p.op(b"t\x89").ordered_dict().op(b"tRs").done
    affine = lambda p: p.glob("torch", "per_tensor_affine").op(b"G", struct.pack(">d", 0.5)).int(0)

    def channels(axis, count):
        def write(p):
            p.glob("torch", "per_channel_affine").tensor("1", "DoubleStorage", count, [count], [1])
            p.tensor("2", "LongStorage", count, [count], [1]).int(axis)
        return write
    scales = lambda count: {"0": bytes(6), "1": bytes(8 * count), "2": bytes(8 * count)}
    torch_zip("quantised-strides.pt", row, qtensor(affine, (300, 1)), {"0": bytes(6)}, code=bounds)
    torch_zip("quantised-axis.pt", row, qtensor(channels(2, 2)), scales(2), code=malformed)
    torch_zip("quantised-axis-negative.pt", row, qtensor(channels(-1, 2)), scales(2), code=malformed)
    torch_zip("quantised-length.pt", row, qtensor(channels(0, 3)), scales(3), code=malformed)
    torch_zip("quantised-none.pt", row, qtensor(lambda p: None), {"0": bytes(6)}, code=malformed)

    def sparse(layout, tensors, shape):
        p = Pickle().op(b"}").text("w").glob("torch._utils", "_rebuild_sparse_tensor").op(b"(").glob(
            "torch.serialization", "_get_layout").text(layout).op(b"\x85R(")
        storages = {}
        for index, (kind, sizes, values) in enumerate(tensors):
            strides = [sizes[1], 1] if len(sizes) == 2 else [1]
            p.tensor(str(index), kind, len(values), sizes, strides)
            storages[str(index)] = struct.pack(f"<{len(values)}{'q' if kind == 'LongStorage' else 'f'}", *values)
        return p.ints(shape).op(b"ttRs").done, storages
    long, real = "LongStorage", "FloatStorage"
    for name, layout, parts, shape, code in (
            ("coo", "torch.sparse_coo", [(long, [2, 1], [0, 3]), (real, [1], [1])], [2, 3], bounds),
            ("coo-negative", "torch.sparse_coo", [(long, [2, 1], [-1, 0]), (real, [1], [1])], [2, 3], bounds),
            ("coo-count", "torch.sparse_coo", [(long, [2, 1], [0, 0]), (real, [2], [1, 2])], [2, 3], malformed),
            ("coo-float", "torch.sparse_coo", [(real, [2, 1], [0, 0]), (real, [1], [1])], [2, 3], malformed),
            ("csr-column", "torch.sparse_csr", [(long, [3], [0, 1, 1]), (long, [1], [9]), (real, [1], [1])], [2, 3],
             bounds),
            ("csr-rows", "torch.sparse_csr", [(long, [3], [0, 2, 1]), (long, [1], [0]), (real, [1], [1])], [2, 3],
             bounds),
            ("csr-length", "torch.sparse_csr", [(long, [2], [0, 1]), (long, [1], [0]), (real, [1], [1])], [2, 3],
             malformed)):
        data, storages = sparse(layout, parts, shape)
        torch_zip(f"sparse-{name}.pt", row, data, storages, code=code)
    p = Pickle().op(b"}").text("w").glob("torch._utils", "_rebuild_nested_tensor").op(b"(")
    p.tensor("0", "FloatStorage", 6, [6], [1]).tensor("1", "LongStorage", 2, [1, 2], [2, 1])
    p.tensor("2", "LongStorage", 2, [1, 2], [2, 1]).tensor("3", "LongStorage", 1, [1], [1]).op(b"tRs")
    torch_zip("nested-outside.pt", row, p.done, {
        "0": W, "1": struct.pack("<2q", 2, 3), "2": struct.pack("<2q", 3, 1), "3": struct.pack("<q", 1)}, code=bounds)
    p = Pickle().op(b"}").text("w").tensor("0", "FloatStorage", 6, [2], [1], legacy=True, view=("v", 4, 3)).op(b"s")
    (OUT / "legacy-view.pt").write_bytes(legacy(obj=p.done))
    expect("legacy-view.pt", "records, offsets, strides and sizes that lie", code="torch-storage-size")
    row = "legacy key list and counts"
    for name, options, code in (
            ("unknown", {"keys": pickle.dumps(["1"], 2)}, "torch-legacy"),
            ("twice", {"keys": pickle.dumps(["0", "0"], 2)}, "torch-legacy"),
            ("none", {"keys": pickle.dumps([], 2), "storages": b""}, "torch-storage-missing"),
            ("count", {"storages": struct.pack("<q", 5) + W}, "torch-legacy"),
            ("negative", {"storages": struct.pack("<q", -6) + W}, "torch-legacy")):
        (OUT / f"legacy-keys-{name}.pt").write_bytes(legacy(**options))
        expect(f"legacy-keys-{name}.pt", row, code=code)
    (OUT / "legacy-protocol.pt").write_bytes(legacy(protocol=pickle.dumps(1002, 2)))
    expect("legacy-protocol.pt", row, code="torch-legacy")


def bombs():
    row = "deep nesting, cycles"
    deep = 200_000
    torch_zip("deep-lists.pt", row, Pickle().op(b"]" * deep + b"a" * (deep - 1)).done)
    torch_zip("deep-tuples.pt", row, Pickle().op(b"N" + b"\x85" * deep).done)
    torch_zip("deep-marks.pt", row, Pickle().op(b"(" * deep).op(b"t" * deep).done)
    torch_zip("deep-objects.pt", row, Pickle().glob("m", "C").op(b"q\x000N").op(
        b"q\x010h\x00h\x01\x85\x81" * 80_000).done)
    torch_zip("cycle-dict.pt", row, Pickle().op(b"}q\x00").text("self").op(b"h\x00s").done)
    torch_zip("cycle-list.pt", row, Pickle().op(b"]q\x00h\x00a").done)
    cyclic = Pickle().glob("m", "C").op(b")\x81q\x00}").text("parent").op(b"h\x00sb")
    torch_zip("cycle-object.pt", row, cyclic.done)
    module = Pickle().glob("m", "C").op(b")\x81q\x00}(").text("_parameters").op(b"}").text("_buffers").op(b"}").text(
        "_modules").op(b"}").text("self").op(b"h\x00sub")
    torch_zip("cycle-module.pt", row, module.done)
    row = "memo bombs, billion laughs, DUP storms"
    torch_zip("laughs.pt", row, Pickle().op(b"N" + b"2\x86" * 200).done)
    lists = Pickle().op(b"]q\x00")
    for index in range(100):
        lists.op(b"0](" + bytes([0x68, index]) * 10 + b"eq" + bytes([index + 1]))
    torch_zip("laughs-lists.pt", row, lists.done)
    torch_zip("dup-storm.pt", row, Pickle().op(b"(]" + b"2" * 200_000 + b"t").done)
    torch_zip("memo-high.pt", row, Pickle().op(b"N" + b"".join(
        b"r" + struct.pack("<I", 0xFFFFFFFF - i) for i in range(1000))).done)
    modules = Pickle().glob("m", "C").op(b"q\x000")
    modules.op(b"h\x00)\x81}(").text("_parameters").op(b"}").text("_buffers").op(b"}").text("_modules").op(b"}ubq\x01")
    for level in range(40):
        modules.op(b"0h\x00)\x81}(").text("_parameters").op(b"}").text("_buffers").op(b"}").text("_modules").op(b"}(")
        for key in ("a", "b"):
            modules.text(key).op(bytes([0x68, level + 1]))
        modules.op(b"uubq", bytes([level + 2]))
    torch_zip("laughs-modules.pt", row, modules.done, code="pickle-limit")
    row = "huge declared lengths"
    for name, data in (("text", b"X\xff\xff\xff\x7f"), ("text8", b"\x8d" + b"\xff" * 8), ("bytes", b"B\xff\xff\xff\xff"),
                       ("bytearray", b"\x96" + b"\xff" * 7 + b"\x7f"), ("frame", b"\x95" + b"\xff" * 7 + b"\x7f")):
        torch_zip(f"length-{name}.pt", row, Pickle(5).op(data).done, code="pickle-truncated")
    torch_zip("length-long.pt", row, Pickle().op(b"\x8b\xff\xff\xff\x7f").done, code="pickle-limit")
    torch_zip("length-string.pt", row, Pickle().op(b"T\xff\xff\xff\xff").done, code="pickle-malformed-value")

    row = "safetensors lies"

    def safetensors(name, header, data=b"", code=None, length=None):
        header = header if isinstance(header, bytes) else json.dumps(header).encode()
        (OUT / name).write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + data)
        expect(name, row, code)
    t = lambda shape, begin, end: {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    safetensors("overlap.safetensors", {"a": t([1], 0, 4), "b": t([1], 0, 4)}, bytes(4), "safetensors-overlap")
    safetensors("hole.safetensors", {"a": t([1], 4, 8)}, bytes(8), "safetensors-hole")
    safetensors("outside.safetensors", {"a": t([2], 0, 8)}, bytes(4), "safetensors-data-outside")
    safetensors("trailing.safetensors", {"a": t([1], 0, 4)}, bytes(8), "safetensors-data-trailing")
    safetensors("duplicate.safetensors", b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
                b'"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4), "safetensors-duplicate-tensor")
    safetensors("overflow.safetensors", {"a": t([1 << 62, 8], 0, 4)}, bytes(4), "safetensors-size")
    row = "JSON depth and size bombs"
    safetensors("deep.safetensors", b'{"a":{"dtype":"F32","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}}", b"", "json-depth")
    (OUT / "deep.json").write_bytes(b'{"weight_map":' + b"[" * 10_000)
    expect("deep.json", row, "container-unknown")


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    for make in (calls, other_containers, zips, tensors, bombs):
        make()
    (OUT / "manifest.json").write_text(json.dumps(MANIFEST, indent=1, ensure_ascii=True) + "\n")
    print(len(MANIFEST), "attacks on", len({m["row"] for m in MANIFEST.values()}), "rows")


if __name__ == "__main__":
    main()
