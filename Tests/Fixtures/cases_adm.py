"""The ADM fixtures: seven small networks that cover the options of guided-diffusion."""

import json

import torch

from fixture_files import HERE
from portable import fill
from reference_adm import ADM, timestep_embedding

FOLDER = "adm"


def run(fixture):
    config = json.loads(fixture.meta["config"])
    if "low_res" in fixture.stored:
        config["in_channels"] *= 2
    network = ADM(config).eval()
    state = fill(network, fixture.case)
    inputs = {name: fixture.tensor(name) for name in ("x", "t", "y", "low_res") if name in fixture.stored}
    with torch.no_grad():
        output, taps = network(**inputs)
        fixture.put("out", output)
        fixture.put_taps(taps)
        fixture.put("sinusoid", timestep_embedding(inputs["t"], config["model_channels"]))
        if "out_fp16ckpt_fp32math" in fixture.stored:
            network.load_state_dict({name: value.float() for name, value in half_precision(state).items()})
            fixture.put("out_fp16ckpt_fp32math", network(**inputs)[0])
            # Half-precision arithmetic on a CPU, kept as a loose bound only.
            fixture.inputs.add("out_fp16ckpt_fp16math_cpu")
    return state


def half_precision(state):
    """The state dict as guided-diffusion's convert_to_fp16 leaves it: only convolutions of the three trunks."""
    trunks = ("input_blocks.", "middle_block.", "output_blocks.")
    convolutions = {n.rsplit(".", 1)[0] for n, v in state.items() if n.startswith(trunks) and v.ndim >= 3}
    return {n: v.half() if n.rsplit(".", 1)[0] in convolutions else v for n, v in state.items()}


def write_checkpoints(case, state):
    """The two ADM checkpoints that tests read as containers."""
    if case == "adm_a":
        torch.save(state, HERE / "adm" / "adm_a.pt")
    if case == "adm_c":
        torch.save(half_precision(state), HERE / "adm" / "adm_c_fp16.pt")
