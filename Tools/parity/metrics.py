#!/usr/bin/env python3
"""Compare `ud2m evaluate` with other packages on the same images and the same weights.

    .venv/bin/python Tools/parity/metrics.py                          # everything, about ten minutes
    .venv/bin/python Tools/parity/metrics.py fidelity perceptual      # pairs only

Numbers count as equal when they differ by at most 1e-4, relative for values over one; KID, which is far smaller, by at
most 1e-6.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import torch

import metric_peers
import ud2m
from metric_images import make_pairs
from portable import portable_state
from reference_inception import Inception
from reference_vgg import SqueezeNet, VGG16

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "pillow", "lpips", "torchmetrics", "pyiqa", "pytorch-fid",
            "torch-fidelity", "clean-fid")
TOLERANCE = 1e-4
# The packages average float32 kernels near one, whose rounding is about 1e-7.
KID_TOLERANCE = 1e-6
# Another package, by the name metric_peers.py gives it, and the options that make ud2m compute the same number.
SSIM_BORDERS = {"torchmetrics, inside": "inside", "pyiqa": "inside", "torchmetrics": "reflected"}
PIPELINES = {"pytorch-fid": "pytorch-fid", "torch-fidelity": "torch-fidelity", "clean-fid": "clean-fid",
             "clean-fid, exact": "clean-fid", "torchmetrics": "torchmetrics", "torchmetrics antialias=False": "torch-fidelity"}


class Comparison:
    """Evaluations by ud2m, each run once, and the verdicts on them."""

    def __init__(self, tools, folder):
        self.tools, self.folder, self.reports, self.is_fine = tools, folder, {}, True

    def evaluate(self, restored, reference, *options):
        key = (restored, reference, options)
        if key not in self.reports:
            output, _ = self.tools.run("ud2m", "evaluate", restored, reference, "--json", *options)
            self.reports[key] = json.loads(output)
        return self.reports[key]

    def pairs(self, metric, restored, reference, *options):
        """One number for each pair, in order of name."""
        report = self.evaluate(restored, reference, "--metrics", metric, *options)
        return [item[metric] for item in sorted(report["images"], key=lambda item: item["name"])]

    def check(self, label, found, expected, tolerance=TOLERANCE):
        """Prints how far two lists of numbers are apart."""
        worst = max(abs(a - b) / max(1, abs(b)) for a, b in zip(found, expected, strict=True))
        is_near = worst <= tolerance
        self.is_fine &= is_near
        count = f"{len(found)} pairs, mean" if len(found) > 1 else "ud2m"
        print(f"  {label}: {count} {sum(found) / len(found):.7f}, other {sum(expected) / len(expected):.7f}, largest "
              f"difference {worst:.1e}{'' if is_near else '  TOO FAR'}", flush=True)

    def fidelity(self, restored, reference):
        for (metric, package), expected in metric_peers.fidelity(restored, reference).items():
            options = ["--ssim-border", SSIM_BORDERS[package]] if metric == "ssim" else []
            self.check(f"{metric}, {package}", self.pairs(metric, restored, reference, *options), expected)

    def perceptual(self, restored, reference):
        for net, trunk, case in (("vgg", VGG16(), "vgg16"), ("squeeze", SqueezeNet(), "squeezenet")):
            state = portable_state(trunk, case)
            stores = {version: self.lpips_store(net, state, version) for version in ("0.1", "0.0")}
            others = metric_peers.perceptual(restored, reference, net, state)
            for (_, _, package), expected in others.items():
                convention, version = package.split()[0], "0.0" if "v0.0" in package else "0.1"
                found = self.pairs("lpips", restored, reference, "--lpips", stores[version],
                                   "--lpips-convention", convention)
                self.check(f"lpips {net}, {package}", found, expected)

    def lpips_store(self, net, state, version):
        """The metric as a store: random trunk, published linear layers."""
        trunk, store = self.folder / f"{net}.pth", self.folder / f"{net}-{version}.ud2w"
        torch.save(state, trunk)
        linear = metric_peers.LINEAR_WEIGHTS / f"v{version}" / f"{net}.pth"
        self.tools.convert(trunk, store, "--lpips-linear", linear, "--lpips-version", version)
        return store

    def distribution(self, restored, reference):
        # Drawn so wide, features of photographs have about the spread that trained ones have.
        state = portable_state(Inception(), "inception", gain=1.4)
        weights, store = self.folder / "inception.pth", self.folder / "inception.ud2w"
        torch.save(state, weights)
        self.tools.convert(weights, store)
        count = len(list(restored.glob("*.png")))
        others = metric_peers.distribution(restored, reference, state, weights)
        for (metric, package), expected in others.items():
            report = self.evaluate(
                restored, reference, "--metrics", "fid,kid", "--inception", store, "--fid-pipeline",
                PIPELINES[package], "--kid-subsets", "1", "--kid-subset-size", count)
            found = report["fid"]["value"] if metric == "fid" else report["kid"]["mean"]
            self.check(f"{metric}, {package}", [found], [expected], TOLERANCE if metric == "fid" else KID_TOLERANCE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    groups = {"fidelity": (10, (120, 88)), "perceptual": (10, (120, 88)), "distribution": (24, (64, 64))}
    parser.add_argument("groups", nargs="*", metavar="group", help=f"any of {', '.join(groups)}; all by default")
    parser.add_argument("--bin", type=pathlib.Path, default=ud2m.ROOT / ".build" / "release")
    arguments = parser.parse_args()
    if unknown := set(arguments.groups) - set(groups):
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    print(ud2m.versions(*PACKAGES), flush=True)
    with tempfile.TemporaryDirectory(prefix="ud2m-metrics-") as folder:
        folder = pathlib.Path(folder)
        comparison = Comparison(ud2m.Tools(arguments.bin), folder)
        for group in arguments.groups or groups:
            count, (width, height) = groups[group]
            restored, reference = make_pairs(folder / group, count, (width, height))
            print(f"{group}: {count} pairs of {width}×{height}", flush=True)
            getattr(comparison, group)(restored, reference)
    sys.exit(0 if comparison.is_fine else 1)


if __name__ == "__main__":
    main()
