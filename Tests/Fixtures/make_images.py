#!/usr/bin/env python3
"""Makes Tests/Fixtures/images: tiny PNG and JPEG files and the levels Pillow reads from them.

    python3 Tests/Fixtures/make_images.py

Needs Pillow and NumPy (the versions used are recorded in index.json). The tests never run it. Pillow writes neither
interlaced PNG nor 16-bit colour, so `png` builds those byte by byte; wherever Pillow can read the result, what it reads
is what the tests expect, and this script checks that against the levels that were put in.
"""

import io
import json
import pathlib
import struct
import zlib

import numpy as np
import PIL
from PIL import Image, ImageOps

OUT = pathlib.Path(__file__).parent / "images"
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
index = []


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def pack_rows(levels, depth):
    """Filter-0 scan lines of levels (rows, columns, channels)."""
    out = bytearray()
    for row in levels.reshape(levels.shape[0], -1):
        out.append(0)
        if depth == 16:
            out += row.astype(">u2").tobytes()
        else:
            bits = "".join(format(int(value), f"0{depth}b") for value in row)
            bits += "0" * (-len(bits) % 8)
            out += bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
    return bytes(out)


def png(levels, depth, color_type, interlaced=False, extra=()):
    """A PNG of levels (rows, columns, channels); `extra` chunks go before the data."""
    height, width = levels.shape[:2]
    if interlaced:
        parts = [levels[y::dy, x::dx] for x, y, dx, dy in ADAM7]
        data = b"".join(pack_rows(part, depth) for part in parts if part.size)
    else:
        data = pack_rows(levels, depth)
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, int(interlaced))
    middle = b"".join(chunk(name, body) for name, body in extra)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + middle + chunk(b"IDAT", zlib.compress(data, 9))
            + chunk(b"IEND", b""))


def add(name, data, expected, alpha=False, orientation=1, text=None):
    """Writes a file and the interleaved levels a reader must give, as uint8 or little-endian uint16."""
    (OUT / name).write_bytes(data)
    expected = np.asarray(expected)
    if expected.ndim == 2:
        expected = expected[:, :, None]
    depth = 16 if expected.dtype == np.uint16 else 8
    raw = expected.astype("<u2" if depth == 16 else np.uint8).tobytes()
    (OUT / (name + ".raw")).write_bytes(raw)
    index.append({
        "file": name, "width": expected.shape[1], "height": expected.shape[0], "channels": expected.shape[2],
        "bitDepth": depth, "hadAlpha": alpha, "orientation": orientation, "text": text or [],
    })


def pillow(data, mode):
    return np.asarray(Image.open(io.BytesIO(data)).convert(mode))


def add_png(name, levels, depth, color_type, shown, alpha=False, mode=None, text=None, **options):
    """Adds a PNG whose shown levels are known; where `mode` is given, Pillow must read the same."""
    data = png(levels, depth, color_type, **options)
    shown = np.asarray(shown)
    if mode is not None:
        read = pillow(data, mode)
        read = read.reshape(read.shape[0], read.shape[1], -1)[:, :, :shown.shape[2]]
        assert np.array_equal(read, shown), name
    add(name, data, shown, alpha=alpha, text=text)


def make_png(random):
    grey8 = random.integers(0, 256, (9, 11, 1), dtype=np.uint8)
    rgb8 = random.integers(0, 256, (9, 11, 3), dtype=np.uint8)
    rgba8 = random.integers(0, 256, (6, 5, 4), dtype=np.uint8)
    grey16 = random.integers(0, 65536, (7, 5, 1), dtype=np.uint16)
    rgb16 = random.integers(0, 65536, (7, 5, 3), dtype=np.uint16)
    rgba16 = random.integers(0, 65536, (4, 5, 4), dtype=np.uint16)
    add_png("grey8.png", grey8, 8, GREY, grey8, mode="L")
    add_png("grey8-interlaced.png", grey8, 8, GREY, grey8, mode="L", interlaced=True)
    add_png("rgb8.png", rgb8, 8, RGB, rgb8, mode="RGB")
    add_png("rgb8-interlaced.png", rgb8, 8, RGB, rgb8, mode="RGB", interlaced=True)
    add_png("rgb8-1x1-interlaced.png", rgb8[:1, :1], 8, RGB, rgb8[:1, :1], mode="RGB", interlaced=True)
    add_png("grey16.png", grey16, 16, GREY, grey16, mode="I;16")
    add_png("rgb16.png", rgb16, 16, RGB, rgb16)
    add_png("rgb16-interlaced.png", rgb16, 16, RGB, rgb16, interlaced=True)
    add_png("rgba16.png", rgba16, 16, RGBA, rgba16[:, :, :3], alpha=True)
    add_png("rgba8.png", rgba8, 8, RGBA, rgba8[:, :, :3], alpha=True, mode="RGBA")
    add_png("rgba8-interlaced.png", rgba8, 8, RGBA, rgba8[:, :, :3], alpha=True, mode="RGBA", interlaced=True)
    add_png("grey-alpha8.png", rgba8[:, :, :2], 8, GREY_ALPHA, rgba8[:, :, :1], alpha=True, mode="LA")
    key = struct.pack(">HHH", *(int(v) for v in rgb8[0, 0]))
    add_png("rgb8-key.png", rgb8, 8, RGB, rgb8, alpha=True, mode="RGB", extra=[(b"tRNS", key)])
    for depth in (1, 2, 4):
        levels = random.integers(0, 1 << depth, (5, 13, 1), dtype=np.uint8)
        shown = (levels.astype(int) * 255 // ((1 << depth) - 1)).astype(np.uint8)
        add_png(f"grey{depth}.png", levels, depth, GREY, shown, mode="L")
    for depth in (1, 2, 4, 8):
        colors = random.integers(0, 256, (min(1 << depth, 40), 3), dtype=np.uint8)
        levels = random.integers(0, len(colors), (5, 13, 1), dtype=np.uint8)
        shown = colors[levels[:, :, 0]]
        extra = [(b"PLTE", colors.tobytes())]
        add_png(f"palette{depth}.png", levels, depth, PALETTE, shown, mode="RGB", extra=extra)
        if depth == 4:
            extra.append((b"tRNS", bytes([0, 128, 255])))
            add_png("palette4-alpha.png", levels, depth, PALETTE, shown, alpha=True, mode="RGBA", extra=extra,
                    interlaced=True)
    # A gamma that a colour-managed reader would apply.
    add_png("grey8-gamma.png", grey8, 8, GREY, grey8, mode="L", extra=[(b"gAMA", struct.pack(">I", 100000))])
    make_text_png(rgb8[:2, :2])


def make_text_png(levels):
    extra = [
        (b"tEXt", b"Software\0made by a script"),
        (b"tEXt", b"Author\0" + "Zoë".encode("latin-1")),
        (b"zTXt", b"parameters\0\0" + zlib.compress(b"seed 7, steps 3")),
        (b"iTXt", b"Title\0\0\0\0\0" + "Überprüfung 雪".encode()),
    ]
    text = [["Software", "made by a script"], ["Author", "Zoë"], ["parameters", "seed 7, steps 3"],
            ["Title", "Überprüfung 雪"]]
    data = png(levels, 8, RGB, extra=extra)
    image = Image.open(io.BytesIO(data))
    image.load()
    assert [[key, str(image.text[key])] for key in image.text] == text
    add("text.png", data, levels, text=text)


def make_jpeg(random):
    x, y = np.meshgrid(np.linspace(0, 1, 19), np.linspace(0, 1, 14))
    smooth = np.stack([x, y, 0.5 + 0.5 * np.sin(5 * x * y)], axis=2)
    levels = (smooth * 235 + random.random(smooth.shape) * 20).astype(np.uint8)
    color, grey = Image.fromarray(levels), Image.fromarray(levels[:, :, 0])

    def add_jpeg(name, image, orientation=1, **options):
        if orientation > 1:
            exif = Image.Exif()
            exif[0x0112] = orientation
            options["exif"] = exif
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", **options)
        opened = Image.open(io.BytesIO(buffer.getvalue()))
        shown = np.asarray(ImageOps.exif_transpose(opened))
        add(name, buffer.getvalue(), shown, orientation=orientation)

    add_jpeg("color444.jpg", color, quality=90, subsampling="4:4:4")
    add_jpeg("color420.jpg", color, quality=80, subsampling="4:2:0")
    add_jpeg("color422.jpg", color, quality=80, subsampling="4:2:2")
    add_jpeg("progressive.jpg", color, quality=85, progressive=True)
    add_jpeg("restart.jpg", color, quality=85, restart_marker_blocks=1)
    add_jpeg("grey.jpg", grey, quality=90)
    for orientation in range(2, 9):
        add_jpeg(f"orientation{orientation}.jpg", color, orientation=orientation, quality=90, subsampling="4:4:4")
    buffer = io.BytesIO()
    color.convert("CMYK").save(buffer, "JPEG")
    (OUT / "cmyk.jpg").write_bytes(buffer.getvalue())


def make_other(random):
    """One file of each kind that is refused by name, as far as Pillow writes them."""
    image = Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    for suffix in ("gif", "bmp", "tiff", "webp", "ppm", "avif", "jp2"):
        buffer = io.BytesIO()
        image.save(buffer, {"jp2": "JPEG2000"}.get(suffix, suffix.upper()))
        (OUT / f"other.{suffix}").write_bytes(buffer.getvalue()[:64])


def make_resize(random):
    """Pillow's own resizing of one float plane: the kernels, half-pixel centres and antialiasing of the module."""
    source = np.round(random.random((13, 17)) * 0.8 + 0.1, 6).astype(np.float32)
    plane = Image.fromarray(source)
    cases = []
    filters = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
    for name, kernel in filters.items():
        for width, height in ((17, 13), (22, 15), (5, 4), (40, 3), (1, 1)):
            out = np.asarray(plane.resize((width, height), kernel))
            cases.append({"filter": name, "width": width, "height": height,
                          "values": [round(float(np.clip(v, 0, 1)), 8) for v in out.ravel()]})
    (OUT / "resize.json").write_text(json.dumps(
        {"width": 17, "height": 13, "values": [round(float(v), 6) for v in source.ravel()], "cases": cases}) + "\n")


def main():
    OUT.mkdir(exist_ok=True)
    random = np.random.default_rng(20240)
    make_png(random)
    make_jpeg(random)
    make_other(random)
    make_resize(random)
    document = {"madeWith": {"pillow": PIL.__version__, "numpy": np.__version__}, "images": index}
    (OUT / "index.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
