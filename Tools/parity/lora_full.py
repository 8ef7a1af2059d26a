"""The full-size half of `lora.py`: ADM-256 with UD2M's rank-5 adapter, against PEFT on the same numbers."""

import gc
import os
import pathlib
import shutil
import subprocess
import sys
import time

import torch
from safetensors.torch import load_file, save_file

import ud2m

ENDINGS = ("qkv.weight", "proj_out.weight")


class Measured:
    """Seconds of a command and the most anonymous memory it had, asked for every 5 ms."""

    def __init__(self, command):
        start = time.perf_counter()
        with subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            self.anonymous = 0
            while process.poll() is None:
                self.anonymous = max(self.anonymous, anonymous_bytes(process.pid))
                time.sleep(0.005)
            message = process.stderr.read().decode(errors="replace")
        self.seconds = time.perf_counter() - start
        if process.returncode != 0:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}: {message[-300:]}")


def anonymous_bytes(pid):
    try:
        for line in open(f"/proc/{pid}/status"):
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def best(rounds, work, clean=lambda: None):
    """The fastest of several runs, and the most memory of any."""
    results = []
    for _ in range(rounds):
        clean()
        os.sync()
        results.append(work())
    return min(r.seconds for r in results), max(r.anonymous for r in results)


def row(work, who, seconds, anonymous=None, error=None, goal=None, fine=True):
    return {"work": work, "who": who, "seconds": seconds, "anonymous MB": None if anonymous is None else anonymous / 1e6,
            "relative error": error, "goal": goal, "fine": fine}


def adapter(shapes, rank, path):
    """UD2M's adapter with seeded numbers."""
    torch.manual_seed(rank)
    tensors = {}
    for name, shape in shapes.items():
        key = name.removesuffix(".weight") + ".parametrizations.weight.0.lora_"
        tensors[key + "A"] = torch.randn(shape[0], rank) * 0.05
        tensors[key + "B"] = torch.randn(rank, shape[1]) * 0.05
    save_file(tensors, path)
    return sum(value.numel() for value in tensors.values())


def full_cases(tools, store, folder, rounds):
    lora = tools.folder / "ud2m-lora"
    weights = load_file(store)
    shapes = {name: tuple(value.shape) for name, value in weights.items() if name.endswith(ENDINGS)}
    base = {name: weights[name].clone() for name in shapes}
    del weights
    gc.collect()
    small, large, merged = folder / "rank5.safetensors", folder / "rank64.safetensors", folder / "merged.ud2w"
    if adapter(shapes, 5, small) != 414_720:
        raise RuntimeError("the store is not ADM-256")
    adapter(shapes, 64, large)

    def clean():
        merged.unlink(missing_ok=True)

    copy, _ = best(rounds, lambda: Measured(["cp", store, merged]), clean)
    yield row("copy the 2.2 GB file", "cp", copy)
    synced, _ = best(rounds, lambda: Measured(["sh", "-c", 'cp "$0" "$1" && sync "$1"', store, merged]), clean)
    yield row("copy it until it is on the disk", "cp, sync", synced)
    seconds, memory = best(rounds, lambda: Measured([lora, "merge", store, small, "-o", merged, "-q"]), clean)
    goal = f"≤ 1.5 × {synced:.3g} s, ≤ 128 MB"
    error = merge_error(merged, base, small)
    yield row("merge rank 5, digests, synced", "ours", seconds, memory, error, goal,
              seconds <= 1.5 * synced and memory <= 128e6 and error == 0)

    extracted = folder / "extracted"
    seconds, memory = best(rounds, lambda: Measured(
        [lora, "extract", store, merged, "--rank", 5, "-o", extracted, "--force", "-q"]))
    found, floor = extraction_error(extracted, base, merged, small)
    yield row("extract rank 5, both files read", "ours", seconds, memory, found,
              f"≤ 10 s, 1e-6 or the rounding of the merged file ({floor:.1e})", seconds <= 10 and found <= max(1e-6, floor))
    resized = folder / "rank8.safetensors"
    seconds, memory = best(rounds, lambda: Measured([lora, "resize", large, "--rank", 8, "-o", resized, "--force", "-q"]))
    yield row("resize 64 → 8", "ours", seconds, memory, None, "≤ 1 s", seconds <= 1)
    shutil.rmtree(extracted)
    merged.unlink()
    yield from peers(lora, folder, base, small, large)


def product(tensors, name):
    key = name.removesuffix(".weight") + ".parametrizations.weight.0.lora_"
    return tensors[key + "A"].double() @ tensors[key + "B"].double()


def merge_error(path, base, adapter_path):
    """The largest difference from UD2M's own rule in PyTorch; 0 is bit for bit."""
    from safetensors import safe_open
    factors, worst = load_file(adapter_path), 0.0
    with safe_open(path, framework="pt") as file:
        for name, weight in base.items():
            key = name.removesuffix(".weight") + ".parametrizations.weight.0.lora_"
            a, b = factors[key + "A"], factors[key + "B"]
            expected = weight + (a @ b).view(weight.shape) * (1.5 / a.shape[1])
            worst = max(worst, float((file.get_tensor(name) - expected).abs().max()))
    return worst


def extraction_error(folder, base, merged, adapter_path):
    """The relative error of what was extracted against the exact change, and that of the merged file's own rounding."""
    from safetensors import safe_open
    found, factors = load_file(folder / "adapter_model.safetensors"), load_file(adapter_path)
    error, floor, norm = 0.0, 0.0, 0.0
    with safe_open(merged, framework="pt") as file:
        for name, weight in base.items():
            key = "base_model.model." + name.removesuffix(".weight")
            down, up = (found[f"{key}.lora_{side}.weight"].double().flatten(1) for side in "AB")
            exact = product(factors, name) * 0.3
            rounded = (file.get_tensor(name).double() - weight.double()).flatten(1)
            error += float(((up @ down - exact) ** 2).sum())
            floor += float(((rounded - exact) ** 2).sum())
            norm += float((exact ** 2).sum())
    return (error / norm) ** 0.5, (floor / norm) ** 0.5


def resize_error(small, large):
    """The relative error of an adapter against one of a higher rank; the scales are UD2M's, 1.5 by the rank."""
    error, norm = 0.0, 0.0
    for key in (key for key in large if key.endswith("lora_A")):
        full = large[key].double() @ large[key[:-1] + "B"].double() * (1.5 / 64)
        error += float(((small[key].double() @ small[key[:-1] + "B"].double() * (1.5 / 8) - full) ** 2).sum())
        norm += float((full ** 2).sum())
    return (error / norm) ** 0.5


def peers(lora, folder, base, small, large):
    """PEFT on a network of just the adapted layers, in a process of its own; the rest of ADM-256 would only add to it."""
    shared = folder / "layers.safetensors"
    save_file(base, shared)
    for rank, path in ((5, small), (64, large)):
        place = folder / f"peft-{rank}"
        # PEFT cannot decompose changes of 1-d convolutions: rank 64 gets linear layers, whose factors have two dimensions.
        Measured([lora, "convert", path, "--to", "peft", "-o", place, "-q"] + (["--base", shared] if rank == 5 else []))
    script = pathlib.Path(__file__).with_name("lora_peft.py")
    for work, label in (("merge", "merge rank 5, the 32 layers only, in memory"),
                        ("svd", "rank 64 → 8 by add_weighted_adapter, svd")):
        report = folder / "report.txt"
        measured = Measured([sys.executable, script, work, shared, folder / ("peft-5" if work == "merge" else "peft-64"), report])
        seconds, error = map(float, report.read_text().split())
        if work == "svd":
            resized = load_file(folder / "rank8.safetensors")
            yield row("rank 64 → 8, what the result misses", "ours", None, None, resize_error(resized, load_file(large)))
        yield row(label, f"PEFT ({ud2m.versions('peft')})", seconds, measured.anonymous, error)
