#!/usr/bin/env python3
"""Compare full-size networks with PyTorch: make a checkpoint, convert it, run it, compare.

Needs torch, safetensors, numpy, scipy and pillow, and a release build; README.md in this folder says more.

    .venv/bin/python Tools/parity/run.py                       # every network
    .venv/bin/python Tools/parity/run.py ddpm ram --size 128   # some, at another size
    .venv/bin/python Tools/parity/run.py adm --size 256 --double   # PyTorch in double precision: our error alone
"""

import argparse
import gc
import pathlib
import platform
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file

import ud2m
from networks import CASES


def compare(case, size, tools, parent, tolerance, is_double):
    """Runs one network; tells whether every output is near enough."""
    network, state = case.build()
    is_fine = True
    # Checkpoint and store are large; both go when this block ends, however it ends.
    with tempfile.TemporaryDirectory(prefix="ud2m-parity-", dir=parent) as folder:
        folder = pathlib.Path(folder)
        checkpoint, store = folder / f"{case.name}.pt", folder / f"{case.name}.ud2w"
        torch.save(state, checkpoint)
        state.clear()
        with torch.no_grad():
            runs = case.runs(network.double() if is_double else network, size)
        del network
        gc.collect()
        _, seconds = tools.convert(checkpoint, store)
        checkpoint.unlink()
        print(f"{case.name}: {case.parameters:,} parameters, converted in {seconds:.1f} s", flush=True)
        for run in runs:
            is_fine &= compare_run(run, tools, folder, store, tolerance)
    return is_fine


def compare_run(run, tools, folder, store, tolerance):
    inputs, outputs = folder / "in.safetensors", folder / "out.safetensors"
    save_file({name: value.contiguous() for name, value in run.inputs.items()}, inputs)
    for name, text in run.files.items():
        (folder / name).write_text(text)
    options = [folder / option if option in run.files else option for option in run.options]
    _, seconds = tools.forward(store, inputs, outputs, "--force", *options)
    found = load_file(outputs)
    is_fine = True
    for name, expected in run.expected.items():
        if name not in found or found[name].numel() != expected.numel():
            shape = list(found[name].shape) if name in found else f"absent among {sorted(found)}"
            print(f"  {run.label}: {name} is {shape} instead of {list(expected.shape)}")
            is_fine = False
            continue
        value = found[name].reshape(expected.shape).numpy()
        expected = expected.numpy()
        relative = ud2m.relative_rms(value, expected)
        is_near = relative <= tolerance
        is_fine &= is_near
        print(f"  {run.label}, {name} {list(found[name].shape)}: relative rms {relative:.2e}, largest difference "
              f"{ud2m.largest_difference(value, expected):.2e} (rms of the output {(expected**2).mean()**0.5:.3g}), "
              f"{seconds:.1f} s{'' if is_near else '  TOO FAR'}", flush=True)
    return is_fine


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="network", help=f"any of {', '.join(CASES)}; all by default")
    parser.add_argument("--size", type=int, help="side of the square input; a multiple of 32 for the U-Nets")
    parser.add_argument("--folder", type=pathlib.Path, help="where temporary files go, up to 4.5 GB")
    parser.add_argument("--bin", type=pathlib.Path, default=ud2m.ROOT / ".build" / "release")
    parser.add_argument("--tolerance", type=float, default=1e-5, help="largest relative rms")
    parser.add_argument("--double", action="store_true", help="run PyTorch in double precision; not for ram")
    arguments = parser.parse_args()
    if unknown := set(arguments.networks) - set(CASES):
        parser.error(f"no such network: {', '.join(sorted(unknown))}")
    if arguments.double and "ram" in (arguments.networks or CASES):
        parser.error("the linear operators of ram are in single precision; name the other networks")
    tools = ud2m.Tools(arguments.bin)
    print(f"{ud2m.versions('torch', 'numpy', 'safetensors')}; {platform.machine()}, "
          f"{torch.get_num_threads()} threads; {tools.run('ud2m', '--version')[0].strip()}", flush=True)
    failed = []
    for name in arguments.networks or CASES:
        case = CASES[name]
        try:
            size = arguments.size or case.size
            if not compare(case, size, tools, arguments.folder, arguments.tolerance, arguments.double):
                failed.append(name)
        except RuntimeError as error:
            print(f"{name}: {error}")
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
