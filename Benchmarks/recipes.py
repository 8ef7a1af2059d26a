#!/usr/bin/env python3
"""PSNR of one zero-shot sample by task and noise, at the recipes' defaults: the table of docs/restore.md.

Every photograph's central square is degraded, restored by `ud2m restore` without any setting, and compared. Prints
Markdown rows with means over the photographs.

    .build/release/ud2m-convert Examples/demo/prior64.pt prior64.ud2w
    python3 Benchmarks/recipes.py --prior prior64.ud2w [--photos Examples/demo/photos] [--side 64] [--bin .build/release]
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIGMAS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2]
CASES = [(task, [], SIGMAS) for task in ["denoise", "deblur", "inpaint", "sr", "cs"]]
CASES += [("jpeg", ["--quality", str(quality)], [0.001, 0.025, 0.1]) for quality in [5, 10, 20, 40, 60, 90]]


def crop(path, side, output):
    from skimage import io

    image = io.imread(path)
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    io.imsave(output, image[top : top + side, left : left + side], check_contrast=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prior", required=True)
    parser.add_argument("--photos", type=pathlib.Path, default=ROOT / "Examples/demo/photos")
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release")
    options = parser.parse_args()
    tool = options.bin / "ud2m"
    print("| task | σ | levels | λ | closing | observation | restored |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        clean, seen, restored = (str(folder / f"{part}.png") for part in ["clean", "seen", "restored"])
        for task, flags, sigmas in CASES:
            for sigma in sigmas:
                before, after = [], []
                for photo in sorted(options.photos.glob("*.png")):
                    crop(photo, options.side, clean)
                    subprocess.run(
                        [tool, "degrade", clean, "-o", seen, "--task", task, "--sigma", str(sigma), "--seed", "1",
                         "--force", "-q", *flags], check=True)
                    result = subprocess.run(
                        [tool, "restore", options.prior, seen, "-o", restored, "--operator", f"{seen}.operator.json",
                         "--reference", clean, "--force", "--json", "--progress", "none"],
                        check=True, capture_output=True)
                    report = json.loads(result.stdout)
                    before.append(report["psnr"]["observation"])
                    after.append(report["psnr"]["restored"])
                settings = report["settings"]
                levels = f"{settings['levels'][0]:.3g} → {settings['levels'][-1]:.3g}"
                closing = f"{settings['closingLevel']:.3g}" if "closingLevel" in settings else "–"
                means = [sum(values) / len(values) for values in (before, after)]
                print(
                    f"| {' '.join([task, *flags[1:]])} | {sigma:g} | {levels} | {settings['dataWeight']:.3g} | {closing} "
                    f"| {means[0]:.2f} | {means[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
