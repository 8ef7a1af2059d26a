#!/usr/bin/env python3
"""How time and memory of a forward grow with the image and the batch, and what a call costs beside its kernels.

Runs `ud2m bench --json`, in turn where two are compared, and writes the section "Growth" of Benchmarks/RESULTS.md. Needs
Python alone.

    Benchmarks/growth.py adm.ud2w ddpm.ud2w --demo prior64.ud2w            # --sizes 128,256 --rounds 1 --print to try
"""

import argparse
import datetime
import json
import pathlib
import statistics
import subprocess
import sys

import sections

HERE = pathlib.Path(__file__).resolve().parent
OUT_OF_MEMORY = 75
CALLS = 301  # behind the median of what a call takes beside its operations


class Bench:
    """`ud2m bench` with the options that all measurements share."""

    def __init__(self, folder, threads):
        self.tool, self.threads = folder / "ud2m", threads

    def __call__(self, store, size, *options):
        """The report; None where the machine has too little memory."""
        command = [self.tool, "bench", store, "--size", size, "--threads", self.threads, "--json", *options]
        result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if result.returncode == OUT_OF_MEMORY and "memory-exhausted" in result.stderr:
            return None
        if result.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))}\n{result.stderr}")
        return json.loads(result.stdout)


def gigabytes(reports):
    return f"{max(report['peakResidentBytes'] for report in reports) / 1e9:.2f}"


def by_size(bench, store, sizes, rounds, runs):
    """A row an image size: seconds, nanoseconds a pixel, that over the first size's, and peak memory."""
    reports = {size: [] for size in sizes}
    for _ in range(rounds):
        for size in sizes:
            if None not in reports[size]:
                reports[size].append(bench(store, size, "--runs", runs))
    rows, first = [], None
    for size in sizes:
        if None in reports[size]:
            rows.append(f"| {store.stem} | {size} | more memory than this machine has | | | |")
            continue
        seconds = statistics.median(report["secondsPerForward"] for report in reports[size])
        pixel = seconds / size**2
        first = first or pixel
        rows.append(f"| {store.stem} | {size} | {seconds:.4g} | {pixel * 1e9:.0f} | {pixel / first:.2f} | "
                    f"{gigabytes(reports[size])} |")
    return rows


def by_batch(bench, store, size, batch, rounds, runs):
    """A row: seconds an image alone and in a batch, the median of their ratios in a round, and peak memory of both."""
    alone, together = [], []
    for _ in range(rounds):
        alone.append(bench(store, size, "--runs", runs))
        together.append(bench(store, size, "--runs", runs, "--batch", batch))
        if alone[-1] is None or together[-1] is None:
            return f"| {store.stem} | {size} | more memory than this machine has | | | |"
    ones = [report["secondsPerForward"] for report in alone]
    shares = [report["secondsPerForward"] / batch for report in together]
    ratio = statistics.median(share / one for share, one in zip(shares, ones))
    return (f"| {store.stem} | {size} | {statistics.median(ones):.4g} | {statistics.median(shares):.4g} | {ratio:.2f} | "
            f"{gigabytes(alone)}, {gigabytes(together)} |")


def overhead(bench, store, size, rounds):
    """A row: microseconds of a call, and those beside its operations."""
    reports = [bench(store, size, "--runs", CALLS, "--per-op") for _ in range(rounds)]
    besides = [report["secondsBesideOperations"] * 1e6 for report in reports]
    calls = statistics.median(report["secondsPerForward"] for report in reports) * 1e6
    return f"| {size} | {calls:.0f} | {statistics.median(besides):.0f} | {min(besides):.0f} … {max(besides):.0f} |"


def section(arguments):
    bench = Bench(arguments.bin, arguments.threads)
    stores = arguments.stores or [arguments.demo]
    example = bench(arguments.demo, 8, "--runs", 1)
    sizes = [row for store in stores for row in by_size(bench, store, arguments.sizes, arguments.rounds, arguments.runs)]
    batches = [by_batch(bench, store, arguments.batch_size, arguments.batch, arguments.rounds, arguments.runs)
               for store in stores]
    calls = [overhead(bench, arguments.demo, size, arguments.rounds) for size in (8, 64)]
    return "\n".join([
        "## Growth", "",
        f"[`growth.py`](growth.py), {datetime.date.today().strftime('%-d %B %Y')}, {example['instructionSet']}, "
        f"{example['threads']} threads: medians of {arguments.rounds} round(s) of `ud2m bench --runs {arguments.runs}`.", "",
        "| network | side, pixels | s a forward | ns a pixel | over the first | peak memory, GB |",
        "|---|---|---|---|---|---|", *sizes, "",
        f"Batches of {arguments.batch} beside single images, in turn:", "",
        "| network | side, pixels | s an image alone | s an image of a batch | ratio | peak memory, GB |",
        "|---|---|---|---|---|---|", *batches, "",
        f"What a call of the demo prior takes beside its operations (goal 100 µs), medians of {CALLS} calls a round:", "",
        "| side, pixels | µs a call | µs beside the operations | least … most round |", "|---|---|---|---|", *calls, ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stores", nargs="*", type=pathlib.Path, help="networks; the demo prior unless named")
    parser.add_argument("--demo", type=pathlib.Path, required=True, help="the demo prior as a store, for the cost of a call")
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=[128, 256, 512, 1024])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=256, help="side of the images of batches")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=1, help="timed forwards a round, after one that is not timed")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--bin", type=pathlib.Path, default=HERE.parent / ".build" / "release")
    parser.add_argument("--print", action="store_true", help="print the section instead of writing it")
    arguments = parser.parse_args()
    text = section(arguments)
    if arguments.print:
        print(text)
    else:
        sections.write("growth.py", text)


if __name__ == "__main__":
    main()
