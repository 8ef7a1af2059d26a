#!/usr/bin/env python3
"""Hold a network in one peer and run it when asked: PEER NETWORK FOLDER THREADS.

Requests are lines on standard input, answers are lines of JSON on standard output. `save` keeps the output of one
forward, `time UNTIMED TIMED` times some. The end of the input ends the worker.
"""

import json
import os
import pathlib
import sys
import time

import numpy as np

import engines
from files import Files


def memory():
    """Resident bytes, the most since the start or since `forget_peak`."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def forget_peak():
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def timed(forward, untimed, count):
    """Seconds of each of `count` forwards after `untimed` others."""
    for _ in range(untimed):
        forward()
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        forward()
        seconds.append(time.perf_counter() - start)
    return seconds


def main():
    peer, name, folder, threads = sys.argv[1:]
    files = Files(folder)
    # Libraries that print must not disturb the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def answer(**values):
        answers.write(json.dumps(values) + "\n")

    start = time.perf_counter()
    forward, array = engines.load(peer, name, files, int(threads))
    forward()
    peak = memory()
    forget_peak()
    answer(loadSeconds=time.perf_counter() - start, peakResidentBytes=peak)
    processor = time.process_time()
    for line in sys.stdin:
        # Processor time since the last answer: it would have been taken from the program that was being timed.
        idle = time.process_time() - processor
        request, *numbers = line.split()
        if request == "save":
            np.save(files.output(peer), array(forward()))
            answer()
        else:
            seconds = timed(forward, *map(int, numbers))
            answer(seconds=seconds, idleProcessorSeconds=idle, runningResidentBytes=memory())
        processor = time.process_time()


if __name__ == "__main__":
    main()
