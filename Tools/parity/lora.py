#!/usr/bin/env python3
"""Compare `ud2m-lora` with PEFT, LyCORIS and mergekit on the same files: results, seconds, memory.

Needs torch, safetensors, numpy, peft and, for some comparisons, mergekit and lycoris_lora; README.md in this folder says more.

    .venv/bin/python Tools/parity/lora.py                                   # small, both ways
    .venv/bin/python Tools/parity/lora.py --full adm256.ud2w --folder /big  # ADM-256: 5 GB of disk

Writes lora.json (every measurement) and lora.md (the tables) to --output.
"""

import argparse
import json
import pathlib
import platform
import sys
import tempfile

import torch

import ud2m
from lora_cases import small_cases
from lora_full import full_cases
from lora_lycoris import lycoris_cases


def table(rows, columns):
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        lines.append("| " + " | ".join(text(row.get(column)) for column in columns) + " |")
    return "\n".join(lines)


def text(value):
    if value is None:
        return ""
    if isinstance(value, float):
        return "0" if value == 0 else f"{value:.3g}"
    return str(value)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", type=pathlib.Path, metavar="STORE", help="ADM-256 as .ud2w, for the full-size table")
    parser.add_argument("--folder", type=pathlib.Path, help="where temporary files go")
    parser.add_argument("--bin", type=pathlib.Path, default=ud2m.ROOT / ".build" / "release")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path.cwd(), help="folder of lora.json and lora.md")
    parser.add_argument("--rounds", type=int, default=3, help="full size: runs of each, of which the fastest counts")
    parser.add_argument("--only-full", action="store_true", help="leave out the small cases")
    arguments = parser.parse_args()
    tools = ud2m.Tools(arguments.bin)
    packages = ud2m.versions("torch", "peft", "mergekit", "lycoris_lora", "transformers", "safetensors")
    print(f"{packages}; {platform.machine()}, {torch.get_num_threads()} threads", flush=True)
    small, full = [], []
    with tempfile.TemporaryDirectory(prefix="ud2m-lora-", dir=arguments.folder) as folder:
        if not arguments.only_full:
            for cases in (small_cases, lycoris_cases):
                for row in cases(tools, pathlib.Path(folder)):
                    small.append(row)
                    print(row, flush=True)
        if arguments.full:
            for row in full_cases(tools, arguments.full, pathlib.Path(folder), arguments.rounds):
                full.append(row)
                print(row, flush=True)
    arguments.output.mkdir(parents=True, exist_ok=True)
    result = {"versions": packages, "machine": platform.machine(), "threads": torch.get_num_threads(), "small": small,
              "full": full}
    (arguments.output / "lora.json").write_text(json.dumps(result, indent=1) + "\n")
    parts = []
    if small:
        parts.append(table(small, ["case", "what", "largest difference", "relative error", "remark"]))
    if full:
        parts.append(table(full, ["work", "who", "seconds", "anonymous MB", "relative error", "goal"]))
    (arguments.output / "lora.md").write_text("\n\n".join(parts) + "\n")
    failed = [row for row in small + full if not row.get("fine", True)]
    for row in failed:
        print("too far:", row)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
