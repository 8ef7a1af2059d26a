#!/usr/bin/env python3
"""Time full-size networks in UD2M and in other engines, round by round in the same window. README.md says more.

    .venv/bin/python Benchmarks/peers/run.py --folder /tmp/peers                       # everything
    .venv/bin/python Benchmarks/peers/run.py --folder /tmp/peers --networks small,vgg --peers eager,openvino --rounds 1
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import statistics
import sys
import time

import numpy as np

import machine
import paths
from files import Files
from ours import Ours
from peer import Peer, PeerFailed, run_script
from plan import EAGER, FROM_ONNX, PEERS, PLANS, UNTIMED, groups
from ud2m import relative_rms

PAUSE = 0.2  # seconds for the threads of the program before to go to sleep


class Measurement:
    """One network in all programs; `report` is what is written as JSON."""

    def __init__(self, name, arguments):
        self.name, self.plan, self.timeout = name, PLANS[name], arguments.timeout
        self.rounds, self.threads = arguments.rounds, arguments.threads
        self.files = Files(arguments.folder / name)
        self.ours = Ours(arguments.bin, self.plan, self.files, self.threads)
        self.programs = {"ours": {}}
        self.report = {
            "network": name, "title": self.plan.title, "size": self.plan.size, "rounds": self.rounds,
            "untimed": UNTIMED, "timed": self.plan.timed, "date": datetime.date.today().isoformat(),
            "tool": self.ours.version(), "machine": machine.describe(self.threads), "groups": [], "programs": self.programs,
        }

    def run(self, peers):
        shutil.rmtree(self.files.folder, ignore_errors=True)
        self.files.folder.mkdir(parents=True)
        self.timing("checkpoint", lambda: run_script(
            "make_checkpoint.py", self.name, self.files.folder, self.plan.size, log=self.files.log("checkpoint"),
            timeout=self.timeout))
        self.timing("convert", self.ours.convert)
        peers = self.exported(peers)
        self.ours.save()
        for group in groups(self.plan, peers):
            self.run_group(group)
        self.compare()

    def exported(self, peers):
        """The peers that can go on once the network has been exported for those that need it."""
        needing = [peer for peer in peers if peer in FROM_ONNX]
        if not needing:
            return peers
        try:
            self.timing("export", lambda: run_script(
                "export_onnx.py", self.name, self.files.folder, log=self.files.log("export"), timeout=self.timeout))
        except PeerFailed as failure:
            for peer in needing:
                self.failed(peer, f"export to ONNX: {failure}")
        return [peer for peer in peers if "failed" not in self.programs.get(peer, {})]

    def run_group(self, group):
        """Starts a group's peers one at a time, then times every program once a round, each round another first."""
        running = {}
        try:
            for peer in group:
                try:
                    running[peer] = Peer(peer, self.name, self.files, self.threads, self.timeout)
                    running[peer].ask("save", self.timeout)
                except PeerFailed as failure:
                    self.failed(peer, str(failure))
                    if peer in running:
                        running.pop(peer).stop()
                    continue
                self.started(peer, running[peer].started)
            order = ["ours", *running]
            seconds = {program: [] for program in order}
            self.report["groups"].append(seconds)
            for index in range(self.rounds):
                turn = index % len(order)
                for program in order[turn:] + order[:turn]:
                    if program == "ours" or program in running:
                        time.sleep(PAUSE)
                        self.take_turn(program, running, seconds)
                latest = ", ".join(f"{program} {values[-1]:.4g} s" for program, values in seconds.items())
                print(f"  round {index + 1}: {latest}", flush=True)
        finally:
            for peer in running.values():
                peer.stop()

    def take_turn(self, program, running, seconds):
        """One turn; a peer that dies in it is left out from then on, and the others go on."""
        try:
            seconds[program].append(self.turn(program, running))
        except PeerFailed as failure:
            self.failed(program, str(failure))
            running.pop(program).stop()
            del seconds[program]

    def turn(self, program, running):
        """The median of a program's forwards in its turn; memory and idle time are noted."""
        note = self.programs[program]
        if program == "ours":
            answer = self.ours.time()
            note["instructionSet"] = answer["instructionSet"]
            raise_to(note, "peakResidentBytes", answer["peakResidentBytes"])
            return answer["secondsPerForward"]
        answer = running[program].ask(f"time {UNTIMED} {self.plan.timed}", self.timeout)
        for key in ("peakResidentBytes", "runningResidentBytes"):
            raise_to(note, key, answer["runningResidentBytes"])
        raise_to(note, "idleProcessorSeconds", answer["idleProcessorSeconds"])
        return statistics.median(answer["seconds"])

    def started(self, peer, answer):
        note = self.programs.setdefault(peer, {})
        raise_to(note, "peakResidentBytes", answer["peakResidentBytes"])
        raise_to(note, "loadSeconds", answer["loadSeconds"])
        print(f"  {peer}: loaded and run once in {answer['loadSeconds']:.1f} s", flush=True)

    def failed(self, peer, why):
        self.programs[peer] = {"failed": why}
        print(f"  {peer} left out: {why}", flush=True)

    def compare(self):
        """How far each output is from that of PyTorch's eager forward, relative to it."""
        if not self.files.output(EAGER).exists():
            return
        expected = np.load(self.files.output(EAGER))
        for program, note in self.programs.items():
            if program != EAGER and self.files.output(program).exists():
                found = np.load(self.files.output(program)).reshape(expected.shape)
                note["relativeRms"] = relative_rms(found, expected)

    def timing(self, label, work):
        start = time.perf_counter()
        work()
        print(f"  {label}: {time.perf_counter() - start:.1f} s", flush=True)


def raise_to(note, key, value):
    note[key] = max(note.get(key, 0), value)


def names(text, known):
    chosen = text.split(",")
    if unknown := set(chosen) - set(known):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: not among {', '.join(known)}")
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=lambda text: names(text, PLANS), default=list(PLANS), help=",".join(PLANS))
    parser.add_argument("--peers", type=lambda text: names(text, PEERS), default=list(PEERS), help=",".join(PEERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="for temporary files, up to 7 GB")
    parser.add_argument("--bin", type=pathlib.Path, default=paths.ROOT / ".build" / "release")
    parser.add_argument("--output", type=pathlib.Path, default=paths.HERE / "results", help="where NETWORK.json goes")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for exporting, compiling or one turn")
    parser.add_argument("--keep", action="store_true", help="leave the temporary files of each network")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in arguments.networks:
        print(f"{name}: {PLANS[name].title}, {PLANS[name].size}×{PLANS[name].size}", flush=True)
        start = time.perf_counter()
        try:
            measurement = Measurement(name, arguments)
            measurement.run(arguments.peers)
            (arguments.output / f"{name}.json").write_text(json.dumps(measurement.report, indent=2) + "\n")
        except (PeerFailed, RuntimeError) as error:
            print(f"  {error}", flush=True)
            failed.append(name)
        finally:
            if not arguments.keep:
                shutil.rmtree(arguments.folder / name, ignore_errors=True)
        print(f"  {time.perf_counter() - start:.0f} s in all", flush=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
