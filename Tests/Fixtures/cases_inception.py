"""The Inception fixture: every width divided by 16, the input pipelines, and a Fréchet distance."""

import torch

from fixture_files import tapped
from portable import fill
from reference_inception import Inception, corner_bilinear, frechet_distance, half_pixel_bilinear, statistics

FOLDER = "inception"


def rows(x):
    """The few rows and columns of a 299×299 image that the fixture stores."""
    return x[:, :, ::37, ::41]


def run(fixture):
    network = Inception(divisor=16).eval()
    fill(network, "inception")
    x = fixture.tensor("x01")
    resized = half_pixel_bilinear(x)
    with tapped(network) as taps:
        blocks = network.blocks(2 * resized - 1)
        for index, value in enumerate(blocks):
            fixture.put(f"block{index}", value)
        fixture.put("fc_logits", network.fc(blocks[3].flatten(1)))
    fixture.put_taps(taps)
    fixture.put("resized_sample_rows", rows(resized))
    fixture.put("input_sample_rows", rows(2 * resized - 1))
    fixture.put("tf1_resized_sample_rows", rows(corner_bilinear(x)))
    features = [fixture.tensor(f"fid_feats_{side}").numpy() for side in "ab"]
    fixture.put("fid_value_f64", [frechet_distance(*map(statistics, features))], tolerance=1e-8)
