"""Runs every CUDA kernel on small cases and compares it with float64 on the CPU.

    python Tools/cuda/check.py LIBRARY [--only TEXT]

LIBRARY is a CUDA driver: libcuda.so.1 where there is a GPU, or the test driver that interprets PTX. Errors are the largest
difference over the largest value expected, and may be at most:

    f32   1e-5    sums of a few thousand products in f32, each rounded at 6e-8
    f16   2e-3    four roundings at 4.9e-4: of transformed inputs, of the result, of probabilities in attention
    bf16  1.6e-2  the same at 3.9e-3
"""

import argparse
import sys
import time

import numpy

import check_conv
import check_maps
import check_sampler
import check_vectors
from driver import Driver

BOUNDS = {"f32": 1e-5, "f16": 2e-3, "bf16": 1.6e-2}
MODULES = [check_conv, check_maps, check_vectors, check_sampler]


class Check:
    def __init__(self, driver):
        self.driver = driver
        self.largest = {}
        self.failures = []
        self.count = 0
        self.used = set()

    def compare(self, kernel, name, kind, got, want, bound=None):
        """Compares arrays; what is infinite or not a number must be so in both."""
        self.count += 1
        self.used.add(kernel)
        got, want = numpy.asarray(got, numpy.float64), numpy.asarray(want, numpy.float64)
        finite = numpy.isfinite(want)
        scale = max(abs(want[finite]).max(initial=0), 1e-30)
        same = numpy.array_equal(got[~finite], want[~finite], equal_nan=True) and numpy.isfinite(got[finite]).all()
        error = abs(got[finite] - want[finite]).max(initial=0) / scale if same else numpy.inf
        self.largest[kernel] = max(self.largest.get(kernel, 0), error)
        if not error <= (BOUNDS[kind] if bound is None else bound):
            self.failures.append(f"{kernel}, {name}: {error:.2e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("--only", default="", help="only cases whose module, element and name contain this text")
    arguments = parser.parse_args()
    check = Check(Driver(arguments.library))
    start = time.monotonic()
    for module in MODULES:
        for kind, (name, spec) in module.cases():
            title = f"{module.__name__} {kind} {name}"
            if arguments.only not in title:
                continue
            try:
                module.run(check, kind, name, spec)
            except AssertionError as error:
                check.failures.append(f"{title}: {error}")
            except RuntimeError as error:
                # A device that has failed once accepts nothing more.
                sys.exit(f"{title}: {error}")
            check.driver.free()
    for kernel, error in sorted(check.largest.items()):
        print(f"{kernel:40} {error:.2e}")
    print(f"{check.count} comparisons in {time.monotonic() - start:.0f} s, {len(check.failures)} failures")
    missing = set(check.driver.kernels) - check.used
    if missing and not arguments.only:
        check.failures.append("never run: " + ", ".join(sorted(missing)))
    if check.failures:
        sys.exit("\n".join(check.failures))


main()
