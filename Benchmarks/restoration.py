#!/usr/bin/env python3
"""PSNR of restorations with the demo prior, against the observation and a classical method, for a folder of photographs.

Each photograph is degraded with noise of 0.025 in the image range (Gaussian 9x9 blur; 70 % of the pixels missing; x4
bicubic), restored by one posterior sample and by the mean of several, and by scikit-image: Wiener deconvolution,
biharmonic inpainting, bicubic interpolation. Prints Markdown tables: means over the photographs, a row a task, and every
photograph's gains.

    python3 -m venv .venv && .venv/bin/pip install numpy scikit-image
    .venv/bin/python Benchmarks/restoration.py --photos FOLDER [--samples 8] [--bin .build/release]
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
from skimage import io, restoration, transform

ROOT = pathlib.Path(__file__).resolve().parent.parent
TASKS = {"deblur": "Wiener", "inpaint": "biharmonic", "sr": "bicubic"}


def psnr(image, clean):
    """Decibels for images in [0, 1]."""
    return -10 * np.log10(np.mean((np.clip(image, 0, 1) - clean) ** 2))


def read(path):
    """An image of 8 or 16 bits a sample as numbers in [0, 1]."""
    image = io.imread(path)
    if image.ndim == 2:
        # Grey photographs are restored as colour and written as grey.
        image = np.stack([image] * 3, axis=-1)
    return image[..., :3] / np.iinfo(image.dtype).max


def gaussian_kernel(size=9, variance=3.0):
    axis = np.arange(size) - size // 2
    line = np.exp(-(axis**2) / (2 * variance))
    kernel = np.outer(line, line)
    return kernel / kernel.sum()


def wiener(observation, clean):
    """The best balance of ten, chosen with the clean image: more than a user could do."""
    kernel = gaussian_kernel()
    found = []
    for balance in np.geomspace(0.003, 1, 10):
        image = np.stack(
            [restoration.wiener(observation[..., c], kernel, balance, clip=False) for c in range(3)], axis=-1)
        found.append(image)
    return max(found, key=lambda image: psnr(image, clean))


def classical(task, observation, clean, mask):
    if task == "deblur":
        return wiener(observation, clean)
    if task == "inpaint":
        return restoration.inpaint_biharmonic(observation, mask, channel_axis=-1)
    return transform.resize(observation, clean.shape[:2], order=3, mode="edge", anti_aliasing=False)


def run(*arguments):
    result = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, arguments))}: {result.stderr}")
    return result.stdout


def print_photographs(photos, table):
    """Of each photograph and task: the observation, and by how much classical method, one sample and mean are better."""
    print("\nEach photograph: the observation's PSNR, and what classical method / one sample / mean gain.\n")
    print(f"| photograph | {' | '.join(table)} |")
    print("|---" * (len(table) + 1) + "|")
    for index, photo in enumerate(photos):
        cells = []
        for rows in table.values():
            seen, *others, _ = rows[index]
            cells.append(f"{seen:.2f}, " + " / ".join(f"{value - seen:+.2f}" for value in others))
        print(f"| {photo.stem} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=pathlib.Path, default=ROOT / "Examples/demo/photos")
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--tasks", type=lambda text: text.split(","), default=list(TASKS), help=",".join(TASKS))
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release")
    options = parser.parse_args()
    photos = sorted(options.photos.glob("*.png"))
    if not photos:
        parser.error(f"{options.photos} has no PNG files")
    print(f"Means over {len(photos)} photographs, in dB.\n")
    print(f"| task | observation | classical | one sample | mean of {options.samples} | coverage of 90 % |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        store = folder / "prior.ud2w"
        run(options.bin / "ud2m-convert", ROOT / "Examples/demo/prior64.pt", store, "-q")
        table = {}
        for task in options.tasks:
            method = TASKS[task]
            rows = table[task] = []
            for index, photo in enumerate(photos):
                seen = folder / f"{task}-{photo.stem}.png"
                run(options.bin / "ud2m", "degrade", photo, "-o", seen, "--task", task, "--seed", index)
                report = json.loads(run(
                    options.bin / "ud2m", "restore", store, seen, "-o", folder / "mean.png", "--operator",
                    f"{seen}.operator.json", "--reference", photo, "--samples", options.samples, "--batch",
                    options.samples, "--seed", index, "--force", "--json"))
                clean, observation = read(photo), read(seen)
                mask = io.imread(f"{seen}.mask.png") == 0 if task == "inpaint" else None
                # A mean needs at least two samples to have a last one.
                last = report.get("lastSamplePSNR", report["psnr"]["restored"])
                rows.append([
                    report["psnr"]["observation"], psnr(classical(task, observation, clean, mask), clean), last,
                    report["psnr"]["restored"], 100 * report.get("coverage", {}).get("share", float("nan"))])
            means = np.mean(rows, axis=0)
            cells = [f"{means[0]:.2f}", f"{means[1]:.2f} ({method})", f"{means[2]:.2f}", f"{means[3]:.2f}",
                     f"{means[4]:.0f} %"]
            print(f"| {task} | {' | '.join(cells)} |", flush=True)
    print_photographs(photos, table)


if __name__ == "__main__":
    main()
