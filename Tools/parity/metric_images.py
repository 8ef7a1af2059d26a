"""Image pairs for the metrics: crops of the demo photographs and degraded copies of them, seeded, as PNG files."""

import io

import numpy as np
from PIL import Image, ImageFilter

from ud2m import ROOT

PHOTOS = ROOT / "Examples" / "demo" / "photos"
DEGRADATIONS = ("noise", "blur", "jpeg", "downsampling", "contrast")


def degraded(image, kind, random):
    if kind == "noise":
        levels = np.asarray(image, np.float64) + random.normal(0, 12, (image.height, image.width, 3))
        return Image.fromarray(levels.round().clip(0, 255).astype(np.uint8))
    if kind == "blur":
        return image.filter(ImageFilter.GaussianBlur(1.5))
    if kind == "jpeg":
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=25)
        return Image.open(buffer).convert("RGB")
    if kind == "downsampling":
        small = image.resize((image.width // 3, image.height // 3), Image.BICUBIC)
        return small.resize(image.size, Image.BICUBIC)
    levels = 128 + 0.8 * (np.asarray(image, np.float64) - 128)
    return Image.fromarray(levels.round().astype(np.uint8))


def make_pairs(folder, count, size, seed=2024):
    """Writes `count` pairs of width×height images; gives the folders of restored and of reference images."""
    random = np.random.default_rng(seed)
    width, height = size
    photos = [Image.open(path).convert("RGB") for path in sorted(PHOTOS.glob("*.png"))]
    restored, reference = folder / "restored", folder / "reference"
    for made in (restored, reference):
        made.mkdir(parents=True)
    for index in range(count):
        photo = photos[index % len(photos)]
        left, top = random.integers(photo.width - width + 1), random.integers(photo.height - height + 1)
        crop = photo.crop((left, top, left + width, top + height))
        name = f"{index:03}.png"
        crop.save(reference / name)
        degraded(crop, DEGRADATIONS[index % len(DEGRADATIONS)], random).save(restored / name)
    return restored, reference


def load(folder):
    """Every image of a folder, in order of name, as levels [N,3,H,W]."""
    return np.stack([np.asarray(Image.open(path)).transpose(2, 0, 1) for path in sorted(folder.glob("*.png"))])
