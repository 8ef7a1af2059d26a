"""Small cases of `lora.py`: adapters of every kind that PEFT makes, both ways, and several adapters as one."""

import copy

import torch
from peft import LoHaConfig, LoKrConfig, LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn

# Sums of PyTorch and ours differ by roundings of single precision where products have other orders.
NEAR = 3e-6


class Network(nn.Module):
    """A layer of every kind that adapters change."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 16)
        self.first = nn.Linear(16, 24)
        self.second = nn.Linear(24, 16, bias=False)
        self.conv = nn.Conv2d(2, 12, 3, padding=1)
        self.point = nn.Conv2d(12, 8, 1)
        self.line = nn.Conv1d(4, 10, 3)
        self.volume = nn.Conv3d(2, 4, 3)
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 5)

    def forward(self, index):
        x = self.words(index)
        x = self.norm(self.second(torch.tanh(self.first(x))))
        image = self.point(torch.tanh(self.conv(x.reshape(-1, 2, 4, 2))))
        line = self.line(x.reshape(-1, 4, 4))
        volume = self.volume(x.repeat(1, 4).reshape(-1, 2, 4, 4, 2)[..., [0, 1, 0]])
        return torch.cat([self.head(x).flatten(), image.flatten(), line.flatten(), volume.flatten()])


LAYERS = ["first", "second", "conv", "point", "line", "volume"]
INDEX = torch.arange(10)


def network():
    torch.manual_seed(0)
    return Network()


def configurations():
    lora = {"r": 4, "lora_alpha": 8, "target_modules": LAYERS}
    yield "LoRA", LoraConfig(**lora)
    yield "LoRA of an embedding", LoraConfig(**lora | {"target_modules": ["words", "first"]})
    yield "rsLoRA", LoraConfig(**lora, use_rslora=True)
    yield "DoRA", LoraConfig(**lora, use_dora=True)
    yield "rank and alpha patterns", LoraConfig(**lora, rank_pattern={"first": 7, "^conv": 2}, alpha_pattern={"second": 3.5})
    yield "patterns that are expressions", LoraConfig(**lora, rank_pattern={"fir.*": 7}, alpha_pattern={"s(e|x)\\w+": 3.5})
    yield "modules saved whole", LoraConfig(**lora, modules_to_save=["head", "norm"])
    yield "biases trained", LoraConfig(**lora, bias="all")
    yield "lora_bias", LoraConfig(**lora | {"target_modules": ["first", "conv"]}, lora_bias=True)
    pairs = {"r": 3, "alpha": 6, "target_modules": ["first", "second", "conv", "point", "line"]}
    yield "LoHa", LoHaConfig(**pairs)
    yield "LoHa, Tucker", LoHaConfig(**pairs, use_effective_conv2d=True)
    yield "LoKr", LoKrConfig(**pairs)
    yield "LoKr, both sides", LoKrConfig(**pairs, decompose_both=True, use_effective_conv2d=True)


def trained(configuration, seed):
    """PEFT's model with numbers that are no longer those of the initialisation."""
    model = get_peft_model(network(), copy.deepcopy(configuration))
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if not value.requires_grad:
                continue
            if "magnitude" in name:
                value.mul_(1 + 0.1 * torch.randn_like(value))
            elif any(part in name for part in ("lora_", "hada_", "lokr_")):
                value.copy_(0.2 * torch.randn_like(value))
            else:
                value.add_(0.1 * torch.randn_like(value))
    return model


def difference(found, expected):
    """The largest difference and the relative error of two state dicts with the same names."""
    if set(found) != set(expected):
        raise RuntimeError(f"names differ: {sorted(set(found) ^ set(expected))[:5]}")
    largest = max(float((found[name] - expected[name]).abs().max()) for name in expected)
    squares = [(((found[name] - expected[name]).double() ** 2).sum(), (expected[name].double() ** 2).sum())
               for name in expected]
    return largest, float((sum(a for a, _ in squares) / sum(b for _, b in squares)) ** 0.5)


def row(case, what, largest, relative, limit, remark=None):
    return {"case": case, "what": what, "largest difference": largest, "relative error": relative, "remark": remark,
            "fine": limit is None or largest <= limit}


def small_cases(tools, folder):
    base = folder / "base.safetensors"
    save_file(network().state_dict(), base)
    torch.save(network().state_dict(), folder / "base.pt")
    for case, configuration in configurations():
        try:
            yield from one_adapter(tools, folder, base, case, configuration)
        except (RuntimeError, TypeError, KeyError) as error:  # A tool of ours that fails, and PEFT refusing what we wrote.
            yield row(case, "failed", None, None, None, str(error)[:120]) | {"fine": False}
    yield from several(tools, folder, base)
    yield mergekit(tools, folder)


def one_adapter(tools, folder, base, case, configuration):
    place = folder / case.replace(" ", "-")
    model = trained(configuration, 1)
    model.save_pretrained(place)
    with torch.no_grad():
        forward = model(INDEX)
    merged = model.merge_and_unload().state_dict()
    for path in (base, folder / "base.pt"):
        tools.run("ud2m-lora", "merge", path, place, "-o", folder / "merged.safetensors", "--force", "-q")
        yield row(case, f"PEFT → ours, {path.suffix[1:]} base, merged weights",
                  *difference(load_file(folder / "merged.safetensors"), merged), NEAR)
    back = folder / f"{place.name}-back"
    options = ["--to", "peft", "--base", base, "-o", back, "-q"]
    remark = None
    if case.startswith("LoHa") or case.startswith("LoKr"):
        options += ["--error", "1e-6"]
        remark = "as plain factors"
    tools.run("ud2m-lora", "convert", place, *options)
    loaded = PeftModel.from_pretrained(network(), back)
    with torch.no_grad():
        found = loaded(INDEX)
    largest = float((found - forward).abs().max())
    yield row(case, "PEFT → ours → PEFT, forward", largest, float((found - forward).norm() / forward.norm()), 3e-5, remark)


def several(tools, folder, base):
    """Two adapters as one: PEFT's methods and ours against the sum of the two changes in double precision."""
    pair = [trained(LoraConfig(r=4, lora_alpha=8, target_modules=LAYERS), seed) for seed in (1, 2)]
    places = [folder / "a", folder / "b"]
    for model, place in zip(pair, places):
        model.save_pretrained(place)
    weights = [0.7, 0.4]
    plain = network().state_dict()
    changes = [{name: value.double() - plain[name].double() for name, value in model.merge_and_unload().state_dict().items()}
               for model in pair]
    exact = {name: sum(w * change[name] for w, change in zip(weights, changes)) for name in plain}

    def of(state):
        return {name: value.double() - plain[name].double() for name, value in state.items()}

    for method, extra in [("linear", {}), ("cat", {}), ("svd", {"svd_rank": 8})]:
        model = PeftModel.from_pretrained(network(), places[0], adapter_name="a")
        model.load_adapter(places[1], adapter_name="b")
        # 1-d and 3-d convolutions have no decomposition there.
        remark = None
        try:
            model.add_weighted_adapter(["a", "b"], weights, "both", combination_type=method, **extra)
            model.set_adapter("both")
            found = of(model.merge_and_unload().state_dict())
            yield row("two adapters", f"PEFT, {method}", *difference(found, exact), None, remark)
        except Exception as error:  # PEFT raises what its layers do.
            yield row("two adapters", f"PEFT, {method}", None, None, None, f"{type(error).__name__}: {str(error)[:80]}")
    for label, extra in [("exact sum, rank 8", []), ("rank 4", ["--rank", 4])]:
        out = folder / f"both-{len(extra)}.safetensors"
        tools.run("ud2m-lora", "combine", *places, "--weight", weights[0], "--weight", weights[1], "--to", "kohya", "--base",
                  base, "-o", out, *extra)
        tools.run("ud2m-lora", "merge", base, out, "-o", folder / "merged.safetensors", "--force", "-q")
        yield row("two adapters", f"ours, {label}", *difference(of(load_file(folder / "merged.safetensors")), exact),
                  None if extra else NEAR)


def mergekit(tools, folder):
    """mergekit-extract-lora needs a model of transformers; ours takes the same two files."""
    import importlib.util
    import subprocess
    import sys
    if importlib.util.find_spec("mergekit") is None:
        return row("extraction", "mergekit-extract-lora", None, None, None, "not installed")
    from transformers import LlamaConfig, LlamaForCausalLM
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(hidden_size=256, intermediate_size=512, num_hidden_layers=2, vocab_size=256,
                                         num_attention_heads=4, num_key_value_heads=4))
    model.save_pretrained(folder / "llama")
    tuned = get_peft_model(model, LoraConfig(r=5, lora_alpha=5, init_lora_weights=False,
                                             target_modules=["q_proj", "down_proj"])).merge_and_unload()
    tuned.save_pretrained(folder / "llama-tuned")
    expected = load_file(folder / "llama-tuned" / "model.safetensors")
    done = subprocess.run(
        [sys.executable, "-m", "mergekit.scripts.extract_lora", "--model", folder / "llama-tuned", "--base-model",
         folder / "llama", "--out-path", folder / "kit", "--max-rank", "5", "--include-regex", ".*(q_proj|down_proj)"],
        capture_output=True, text=True)
    tools.run("ud2m-lora", "extract", folder / "llama" / "model.safetensors", folder / "llama-tuned" / "model.safetensors",
              "--rank", 5, "-o", folder / "ours", "-q")
    errors = {}
    for who in ("ours", "kit"):
        if not (folder / who / "adapter_model.safetensors").exists():
            return row("extraction", "mergekit-extract-lora", None, None, None, done.stderr.strip()[-120:])
        tools.run("ud2m-lora", "merge", folder / "llama" / "model.safetensors", folder / who, "-o",
                  folder / f"{who}.safetensors", "-q")
        errors[who] = difference(load_file(folder / f"{who}.safetensors"), expected)
    return row("extraction", "a Llama's rank-5 change, ours; mergekit in the remark", *errors["ours"], NEAR,
               f"mergekit {errors['kit'][0]:.1e}, {errors['kit'][1]:.1e}")
