#!/usr/bin/env python3
"""Time conversion and reading of a full-size checkpoint against cp and PyTorch, interleaved in one run.

Makes (once) the 2.2 GB checkpoint of a full-size ADM-256 network with random weights, then alternates the jobs, and
prints medians and the ratios that matter. The page cache is warm: every job runs once before anything is timed.

    python3 -m venv .venv && .venv/bin/pip install torch safetensors numpy
    .venv/bin/python Benchmarks/conversion.py --folder /tmp/ud2m-bench [--rounds 5] [--bin .build/release]
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests" / "Fixtures"))

MAKE_CHECKPOINT = """
import sys
import torch
from reference_adm import ADM
torch.manual_seed(7)
config = {"in_channels": 3, "out_channels": 6, "model_channels": 256, "channel_mult": [1, 1, 2, 2, 4, 4],
          "num_res_blocks": 2, "attention_resolutions": [8, 16, 32], "num_head_channels": 64,
          "use_scale_shift_norm": True, "resblock_updown": True}
torch.save(ADM(config).state_dict(), sys.argv[1])
"""

TORCH_JOB = """
import sys, time
import torch
from safetensors.torch import save_file
start = time.perf_counter()
save_file(torch.load(sys.argv[1], map_location="cpu"), sys.argv[2])
print(time.perf_counter() - start)
"""


def run(arguments):
    """Runs a process and gives its wall time in seconds and its peak anonymous memory in bytes."""
    peak = 0
    start = time.perf_counter()
    process = subprocess.Popen([str(a) for a in arguments], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            for line in status.splitlines():
                if line.startswith("RssAnon:"):
                    peak = max(peak, int(line.split()[1]) * 1024)
        except OSError:
            pass
        time.sleep(0.002)
    elapsed = time.perf_counter() - start
    if process.returncode != 0:
        sys.exit(f"{arguments} failed with {process.returncode}")
    return elapsed, peak


def torch_job(checkpoint, output):
    """torch.load and save_file in a fresh interpreter; its own clock leaves the imports out."""
    result = subprocess.run([sys.executable, "-c", TORCH_JOB, checkpoint, output], capture_output=True, text=True, check=True)
    return float(result.stdout), 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="a folder with 10 GB free")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build" / "release")
    parser.add_argument("--output", type=pathlib.Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.folder / "adm256.pt"
    copy = arguments.folder / "copy.pt"
    store = arguments.folder / "adm256.ud2w"
    other = arguments.folder / "other.safetensors"
    if not checkpoint.exists():
        environment = os.environ | {"PYTHONPATH": str(ROOT / "Tests" / "Fixtures")}
        subprocess.run([sys.executable, "-c", MAKE_CHECKPOINT, checkpoint], env=environment, check=True)

    convert = arguments.bin / "ud2m-convert"

    def fresh(path, job):
        path.unlink(missing_ok=True)
        return job()

    jobs = {
        "cp": lambda: fresh(copy, lambda: run(["cp", checkpoint, copy])),
        "cp and fsync": lambda: fresh(copy, lambda: run(["dd", f"if={checkpoint}", f"of={copy}", "bs=8M", "conv=fsync", "status=none"])),
        "ud2m-convert": lambda: fresh(store, lambda: run([convert, checkpoint, store, "-q"])),
        "torch.load + save_file": lambda: fresh(other, lambda: torch_job(checkpoint, other)),
        "inspect": lambda: run([convert, "inspect", checkpoint, "--json"]),
        "verify": lambda: run([convert, "verify", store]),
        "verify --deep": lambda: run([convert, "verify", store, "--deep"]),
    }
    for job in jobs.values():
        job()
    times = {name: [] for name in jobs}
    peaks = {name: 0 for name in jobs}
    for _ in range(arguments.rounds):
        for name, job in jobs.items():
            seconds, peak = job()
            times[name].append(seconds)
            peaks[name] = max(peaks[name], peak)
    size = checkpoint.stat().st_size
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{platform.machine()}, {os.cpu_count()} processors, {size / 1e9:.2f} GB, {arguments.rounds} rounds")
    for name, seconds in medians.items():
        low, high = min(times[name]), max(times[name])
        print(f"{name:24} {seconds:8.3f} s  ({low:.3f} … {high:.3f})  {size / 1e9 / seconds:6.2f} GB/s"
              f"  anonymous {peaks[name] / 1e6:.1f} MB")
    print(f"convert / cp {medians['ud2m-convert'] / medians['cp']:.2f}, "
          f"torch / convert {medians['torch.load + save_file'] / medians['ud2m-convert']:.2f}")
    if arguments.output:
        arguments.output.write_text(json.dumps({"seconds": times, "anonymousBytes": peaks, "bytes": size}, indent=2) + "\n")
    for path in (copy, store, other):
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
