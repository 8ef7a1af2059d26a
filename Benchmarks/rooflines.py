#!/usr/bin/env python3
"""What networks would take on GPUs, by the plan that is launched and the GPUs' data sheets: no GPU is needed, nothing is timed.

Runs `ud2m bench --device cuda --plan-only` and writes a section of Benchmarks/RESULTS.md. Needs Python
alone. The stores may come from Benchmarks/peers (`run.py --keep`).

    Benchmarks/rooflines.py adm.ud2w:256 ddpm.ud2w:256 vgg.ud2w:256      # a store and the side of its images
"""

import argparse
import json
import pathlib
import subprocess
import sys

import sections

HERE = pathlib.Path(__file__).resolve().parent
PRECISIONS = ["fp16", "fp32"]


def plan(tool, store, side, precision):
    command = [tool, "bench", store, "--size", side, "--device", "cuda", "--plan-only", "--precision", precision, "--json"]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stderr}")
    return json.loads(result.stdout)


def moved(traffic):
    return (traffic["bytesRead"] + traffic["bytesWritten"]) / 1e9


def row(name, side, report):
    cells = [
        f"{name}, {side}×{side}", report["precision"], f"{report['launches']}", f"{report['gflopPerForward']:.4g}",
        f"{report['weightBytes'] / 1e9:.3g}", f"{report['arenaBytes'] / 1e9:.3g}", f"{moved(report['fused']):.3g}",
        f"{moved(report['unfused']):.3g}",
    ]
    cells += [f"{estimate['estimatedSeconds'] * 1e3:.3g}" for estimate in report["estimates"]]
    return "| " + " | ".join(cells) + " |"


def section(reports):
    gpus = [estimate["gpu"] for estimate in reports[0][2]["estimates"]]
    head = ["network", "precision", "launches", "GFLOP", "weights, GB", "activations, GB", "moved, GB", "unfused, GB"]
    head += [f"{gpu}, ms" for gpu in gpus]
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "---:|" * (len(head) - 2)]
    lines += [row(*report) for report in reports]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stores", nargs="+", help="STORE:SIDE")
    parser.add_argument("--bin", type=pathlib.Path, default=HERE.parent / ".build" / "release")
    parser.add_argument("--print", action="store_true", help="print the section instead of writing it")
    arguments = parser.parse_args()
    reports = []
    for word in arguments.stores:
        store, _, side = word.rpartition(":")
        for precision in PRECISIONS:
            reports.append((pathlib.Path(store).stem, side, plan(arguments.bin / "ud2m", store, side, precision)))
    text = section(reports)
    if arguments.print:
        return print(text)
    sections.write("rooflines.py", text)


main()
