#!/usr/bin/env python3
"""Make the fixtures of adapters; needs torch.

`lora/ud2m.ckpt` holds what UD2M's training saves besides optimisers, for the network of `adm/adm_a.pt`; its factors are
those of a run of UD2M's own code, and so are the merged weights in `lora/ud2m_merged.safetensors`. This script proves the
merge again, bit for bit, and with `lora/ddpm.safetensors` that a network of the DDPM family with UD2M's factors and final
layer, stored as task-adapter bundles store them, gives the output that UD2M's own code gave. It writes adapters of every other convention and kind for a small network of its own, each with
the merged weights that independent formulas give in double precision (formats.md §13).

    .venv/bin/python Tests/Fixtures/make_lora.py
"""

import json
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from fixture_files import HERE, TOLERANCE
from portable import fill, portable_weight
from reference_ddpm import DDPM

FOLDER = HERE / "lora"
BASE = {
    "block.0.linear.weight": (6, 4), "block.0.linear.bias": (6,), "block.0.conv.weight": (6, 4, 3, 3),
    "block.1.point.weight": (8, 4, 1, 1), "block.1.norm.weight": (6,), "block.1.norm.bias": (6,),
    "words.weight": (9, 5), "stored_inputs_first.weight": (4, 6),
}
UD2M = "parametrizations.weight.0"


def number(name, *shape):
    return portable_weight("lora", name, shape)


def prove_ud2m():
    """The rule of UD2M's parametrisation gives the stored weights, bit for bit."""
    base = torch.load(HERE / "adm/adm_a.pt", weights_only=True)
    trained = torch.load(FOLDER / "ud2m.ckpt", weights_only=True)["state_dict"]
    for name, expected in load_file(FOLDER / "ud2m_merged.safetensors").items():
        if name in trained:
            merged = trained[name]
        else:
            module = name.removesuffix(".weight")
            a, b = (trained[f"{module}.{UD2M}.lora_{side}"] for side in "AB")
            merged = base[name] + (a @ b).view(base[name].shape) * (1.5 / a.shape[1])
        if not torch.equal(merged, expected):
            sys.exit(f"{name} is not what the rule gives")


def prove_ddpm():
    """The DDPM of `ddpm/ddpm_tiny.io.safetensors` with the merged factors gives the stored output."""
    with safe_open(HERE / "ddpm/ddpm_tiny.io.safetensors", "pt") as file:
        network = DDPM(json.loads(json.loads(file.metadata()["meta"])["config"])).eval()
    state = fill(network, "ddpm")
    with safe_open(FOLDER / "ddpm.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        targets = json.loads(file.metadata()["ud2m.adapter"])["targets"]
    for target in targets:
        name = f"{target['module']}.{target['parameter']}"
        if target["kind"] == "replacement":
            state[name] = tensors[f"adapter.{name}.replacement"]
        else:
            up, down = tensors[f"adapter.{name}.up"], tensors[f"adapter.{name}.down"]
            state[name] = state[name] + (up @ down).view(state[name].shape) * target["scale"]
    network.load_state_dict(state)
    with torch.no_grad():
        difference = float((network(tensors["x"], tensors["t"]) - tensors["out"]).abs().max())
    if not difference < TOLERANCE:
        sys.exit(f"the DDPM with merged factors is off by {difference:.1e}")


def product(up, down, shape):
    return (up.double().flatten(1) @ down.double().flatten(1)).reshape(shape)


def dora(weight, change, lengths, of_inputs):
    """W' = m · V / ‖V‖ with V = W + change."""
    v = weight.double() + change
    axes = [axis for axis in range(v.ndim) if axis != (1 if of_inputs else 0)]
    shape = [1] * v.ndim
    shape[1 if of_inputs else 0] = -1
    return lengths.double().reshape(shape) * v / v.pow(2).sum(axes, keepdim=True).sqrt()


def kohya(base):
    """LoRA, a Tucker core, DoRA of either axis, LoHa, LoKr and differences, each in a file of its own."""
    linear, conv, point = (base[f"block.{name}.weight"] for name in ("0.linear", "0.conv", "1.point"))
    names = {"linear": "lora_unet_block_0_linear", "conv": "lora_unet_block_0_conv", "point": "lora_unet_block_1_point"}

    def keyed(name, parts):
        return {f"{names[name]}.{part}": value for part, value in parts.items()}

    up, down = number("linear.up", 6, 2), number("linear.down", 2, 4)
    cup, cdown = number("conv.up", 6, 3, 1, 1), number("conv.down", 3, 4, 3, 3)
    yield "kohya", (
        keyed("linear", {"lora_up.weight": up, "lora_down.weight": down, "alpha": torch.tensor(1.0)})
        | keyed("conv", {"lora_up.weight": cup, "lora_down.weight": cdown, "alpha": torch.tensor(6.0)})
        # A linear layer's factors for a 1×1 convolution, and an alpha that is the rank.
        | keyed("point", {"lora_up.weight": number("point.up", 8, 2), "lora_down.weight": number("point.down", 2, 4),
                          "alpha": torch.tensor(2.0)})
    ), {
        "block.0.linear.weight": linear + 0.5 * product(up, down, linear.shape),
        "block.0.conv.weight": conv + 2 * product(cup, cdown, conv.shape),
        "block.1.point.weight": point + product(number("point.up", 8, 2), number("point.down", 2, 4), point.shape),
    }
    core, inner = number("conv.mid", 3, 3, 3, 3), number("conv.inner", 3, 4, 1, 1)
    change = torch.einsum("op,pqyx,qi->oiyx", cup[:, :, 0, 0].double(), core.double(), inner[:, :, 0, 0].double())
    yield "tucker", keyed("conv", {
        "lora_up.weight": cup, "lora_mid.weight": core, "lora_down.weight": inner, "alpha": torch.tensor(1.5)}), {
        "block.0.conv.weight": conv + 0.5 * change}
    rows, columns = number("lengths.rows", 6).abs(), number("lengths.columns", 4).abs()
    yield "dora", (
        keyed("linear", {"lora_up.weight": up, "lora_down.weight": down, "alpha": torch.tensor(1.0),
                         "dora_scale": rows.reshape(6, 1)})
        | keyed("conv", {"lora_up.weight": cup, "lora_down.weight": cdown, "alpha": torch.tensor(6.0),
                         "dora_scale": columns.reshape(1, 4, 1, 1)})
    ), {
        "block.0.linear.weight": dora(linear, 0.5 * product(up, down, linear.shape), rows, False),
        "block.0.conv.weight": dora(conv, 2 * product(cup, cdown, conv.shape), columns, True),
    }
    a, b, c, d = (number(f"hada.{i}", *s) for i, s in enumerate([(6, 2), (2, 36), (6, 2), (2, 36)]))
    t1, t2 = number("hada.t1", 2, 2, 3, 3), number("hada.t2", 2, 2, 3, 3)
    wa, wb, wc, wd = (number(f"hada.w{i}", *s) for i, s in enumerate([(2, 6), (2, 4), (2, 6), (2, 4)]))
    yield "loha", keyed("conv", {
        "hada_w1_a": a, "hada_w1_b": b, "hada_w2_a": c, "hada_w2_b": d, "alpha": torch.tensor(1.0)}), {
        "block.0.conv.weight": conv + 0.5 * product(a, b, conv.shape) * product(c, d, conv.shape)}
    yield "loha_dora", keyed("conv", {
        "hada_w1_a": a, "hada_w1_b": b, "hada_w2_a": c, "hada_w2_b": d, "alpha": torch.tensor(1.0),
        "dora_scale": columns.reshape(1, 4, 1, 1)}), {
        "block.0.conv.weight": dora(conv, 0.5 * product(a, b, conv.shape) * product(c, d, conv.shape), columns, True)}
    tucker = [torch.einsum("ijyx,ip,jr->pryx", t.double(), p.double(), r.double()) for t, p, r in
              [(t1, wa, wb), (t2, wc, wd)]]
    yield "loha_tucker", keyed("conv", {
        "hada_w1_a": wa, "hada_w1_b": wb, "hada_w2_a": wc, "hada_w2_b": wd, "hada_t1": t1, "hada_t2": t2,
        "alpha": torch.tensor(3.0)}), {"block.0.conv.weight": conv + 1.5 * tucker[0] * tucker[1]}
    w1, w2a, w2b = number("kron.1", 3, 2), number("kron.2a", 2, 1), number("kron.2b", 1, 18)
    w2 = number("kron.2", 3, 2)
    yield "lokr", (
        keyed("conv", {"lokr_w1": w1, "lokr_w2_a": w2a, "lokr_w2_b": w2b, "alpha": torch.tensor(0.5)})
        # Two whole sides have no rank: their alpha means nothing.
        | keyed("linear", {"lokr_w1": number("kron.0", 2, 2), "lokr_w2": w2, "alpha": torch.tensor(1e10)})
    ), {
        "block.0.conv.weight": conv + 0.5 * torch.kron(
            w1.double()[:, :, None, None], (w2a.double() @ w2b.double()).reshape(2, 2, 3, 3)),
        "block.0.linear.weight": linear + torch.kron(number("kron.0", 2, 2).double(), w2.double()),
    }
    yield "lokr_dora", keyed("linear", {
        "lokr_w1": number("kron.0", 2, 2), "lokr_w2": w2, "dora_scale": rows.reshape(6, 1)}), {
        "block.0.linear.weight": dora(linear, torch.kron(number("kron.0", 2, 2).double(), w2.double()), rows, False)}
    norm = "lora_unet_block_1_norm"
    yield "differences", {
        f"{names['linear']}.diff": number("diff", 6, 4), f"{names['linear']}.diff_b": number("diff_b.bias", 6),
        f"{norm}.w_norm": number("w_norm", 6), f"{norm}.b_norm": number("b_norm.bias", 6)}, {
        "block.0.linear.weight": linear + number("diff", 6, 4).double(),
        "block.0.linear.bias": base["block.0.linear.bias"] + number("diff_b.bias", 6).double(),
        "block.1.norm.weight": base["block.1.norm.weight"] + number("w_norm", 6).double(),
        "block.1.norm.bias": base["block.1.norm.bias"] + number("b_norm.bias", 6).double()}


def peft(base):
    """Folders as PEFT saves them."""
    linear, conv = base["block.0.linear.weight"], base["block.0.conv.weight"]
    start = "base_model.model."
    up, down = number("linear.up", 6, 2), number("linear.down", 2, 4)
    cup, cdown = number("conv.up", 6, 3, 1, 1), number("conv.down", 3, 4, 3, 3)
    ea, eb = number("words.a", 2, 9), number("words.b", 5, 2)
    plain = {"peft_type": "LORA", "r": 2, "lora_alpha": 3, "use_rslora": False, "use_dora": False, "fan_in_fan_out": False,
             "target_modules": ["linear", "conv", "words"], "rank_pattern": {}, "alpha_pattern": {},
             "base_model_name_or_path": "somebody/a-network"}
    yield "peft", plain | {
        "rank_pattern": {"conv": 3}, "alpha_pattern": {r"block\.0\.conv": 1.5}, "modules_to_save": ["norm"]}, {
        f"{start}block.0.linear.lora_A.weight": down, f"{start}block.0.linear.lora_B.weight": up,
        f"{start}block.0.linear.lora_B.bias": number("bias.bias", 6),
        f"{start}block.0.conv.lora_A.weight": cdown, f"{start}block.0.conv.lora_B.weight": cup,
        f"{start}words.lora_embedding_A": ea, f"{start}words.lora_embedding_B": eb,
        f"{start}block.1.norm.weight": number("saved", 6), f"{start}block.1.norm.bias": number("saved.bias", 6)}, {
        "block.0.linear.weight": linear + 1.5 * product(up, down, linear.shape),
        "block.0.linear.bias": base["block.0.linear.bias"] + 1.5 * number("bias.bias", 6).double(),
        "block.0.conv.weight": conv + 0.5 * product(cup, cdown, conv.shape),
        "words.weight": base["words.weight"] + 1.5 * (eb.double() @ ea.double()).T,
        "block.1.norm.weight": number("saved", 6), "block.1.norm.bias": number("saved.bias", 6)}
    yield "peft_rslora", plain | {"use_rslora": True}, {
        f"{start}block.0.linear.lora_A.weight": down, f"{start}block.0.linear.lora_B.weight": up}, {
        "block.0.linear.weight": linear + 3 / 2**0.5 * product(up, down, linear.shape)}
    rows = number("lengths.rows", 6).abs()
    yield "peft_dora", plain | {"use_dora": True, "rank_pattern": {"conv": 3}}, {
        f"{start}block.0.linear.lora_A.weight": down, f"{start}block.0.linear.lora_B.weight": up,
        f"{start}block.0.linear.lora_magnitude_vector": rows,
        f"{start}block.0.conv.lora_A.weight": cdown, f"{start}block.0.conv.lora_B.weight": cup,
        f"{start}block.0.conv.lora_magnitude_vector": rows.reshape(1, 6, 1, 1)}, {
        "block.0.linear.weight": dora(linear, 1.5 * product(up, down, linear.shape), rows, False),
        "block.0.conv.weight": dora(conv, product(cup, cdown, conv.shape), rows, False)}
    stored = base["stored_inputs_first.weight"]
    yield "peft_transposed", plain | {"fan_in_fan_out": True}, {
        f"{start}stored_inputs_first.lora_A.weight": down, f"{start}stored_inputs_first.lora_B.weight": up}, {
        "stored_inputs_first.weight": stored + 1.5 * product(up, down, (6, 4)).T}


def diffusers(base):
    """diffusers' own file, with its metadata, and one of before it used PEFT."""
    linear, point = base["block.0.linear.weight"], base["block.1.point.weight"]
    up, down = number("linear.up", 6, 2), number("linear.down", 2, 4)
    pup, pdown = number("point.up", 8, 2), number("point.down", 2, 4)
    metadata = {"unet.r": 2, "unet.lora_alpha": 4, "unet.peft_type": "LORA", "unet.rank_pattern": {},
                "unet.alpha_pattern": {"block.1.point": 1}}
    yield "diffusers", {
        "unet.block.0.linear.lora_A.weight": down, "unet.block.0.linear.lora_B.weight": up,
        "unet.block.1.point.lora_A.weight": pdown.reshape(2, 4, 1, 1),
        "unet.block.1.point.lora_B.weight": pup.reshape(8, 2, 1, 1)}, {
        "block.0.linear.weight": linear + 2 * product(up, down, linear.shape),
        "block.1.point.weight": point + 0.5 * product(pup, pdown, point.shape)}, {
        "lora_adapter_metadata": json.dumps(metadata)}
    yield "diffusers_old", {
        "unet.block.0.linear.lora.down.weight": down, "unet.block.0.linear.lora.up.weight": up}, {
        "block.0.linear.weight": linear + product(up, down, linear.shape)}, {}


def save(name, tensors, metadata=None):
    save_file({key: value.clone().contiguous() for key, value in tensors.items()}, FOLDER / name, metadata=metadata)


def main():
    prove_ud2m()
    prove_ddpm()
    base = {name: number(f"base.{name}", *shape) for name, shape in BASE.items()}
    save("base.safetensors", base)
    expected = {}
    for name, tensors, merged in kohya(base):
        save(f"{name}.safetensors", tensors)
        expected |= {f"{name}/{key}": value.double() for key, value in merged.items()}
    for name, configuration, tensors, merged in peft(base):
        (FOLDER / name).mkdir(exist_ok=True)
        (FOLDER / name / "adapter_config.json").write_text(json.dumps(configuration, indent=1) + "\n")
        save(f"{name}/adapter_model.safetensors", tensors, {"format": "pt"})
        expected |= {f"{name}/{key}": value.double() for key, value in merged.items()}
    for name, tensors, merged, metadata in diffusers(base):
        save(f"{name}.safetensors", tensors, metadata)
        expected |= {f"{name}/{key}": value.double() for key, value in merged.items()}
    save("expected.safetensors", expected)
    print(f"{len(expected)} merged tensors")


if __name__ == "__main__":
    main()
