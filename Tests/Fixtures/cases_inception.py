"""The Inception fixtures: every width divided by 16, the input pipelines, Fréchet and kernel distances."""

from fixture_files import tapped
from portable import fill
from reference_inception import (
    Inception, antialiased_input, clean_fid_input, corner_bilinear, exact_frechet_distance, frechet_distance,
    half_pixel_bilinear, kernel_distance, pytorch_fid_input, statistics, torch_fidelity_input)

FOLDER = "inception"


def rows(x):
    """The few rows and columns of a 299×299 image that the fixture stores."""
    return x[:, :, ::37, ::41]


def run(fixture):
    if fixture.case == "pipelines":
        run_pipelines(fixture)
        return
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
    value = frechet_distance(*map(statistics, features))
    assert abs(exact_frechet_distance(*features) - value) < 1e-8
    fixture.put("fid_value_f64", [value], tolerance=1e-8)


def run_pipelines(fixture):
    levels = fixture.tensor("levels")
    fixture.put("pytorch_fid", rows(pytorch_fid_input(levels.float() / 255)))
    fixture.put("torch_fidelity", rows(torch_fidelity_input(levels)))
    fixture.put("torchmetrics_antialias", rows(antialiased_input(levels)))
    fixture.put("clean_fid", rows(clean_fid_input(levels)))
    features = [fixture.tensor(f"kid_feats_{side}").numpy() for side in "ab"]
    fixture.put("kid_value_f64", [kernel_distance(*features)], tolerance=1e-10)
