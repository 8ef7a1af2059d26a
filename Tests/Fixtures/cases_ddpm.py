"""The DDPM fixtures: two levels, attention on the lower one; one network attends there on the way down only."""

import json

from fixture_files import tapped
from portable import fill
from reference_ddpm import DDPM, timestep_embedding

FOLDER = "ddpm"


def run(fixture):
    config = json.loads(fixture.meta["config"])
    network = DDPM(config).eval()
    fill(network, "ddpm")
    x, t = fixture.tensor("x"), fixture.tensor("t")
    with tapped(network) as taps:
        output = network(x, t)
    fixture.put("out", output)
    # The same network under its other names, as a second implementation ran it.
    fixture.put("out_diffusers", output)
    fixture.put("sinusoid", timestep_embedding(t, config["ch"]))
    fixture.put_taps(taps)
