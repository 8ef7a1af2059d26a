"""The discriminator fixture: 32×32 images, three layers."""

from fixture_files import tapped
from portable import fill
from reference_discriminator import Discriminator

FOLDER = "disc"


def run(fixture):
    network = Discriminator(image_size=32, image_channels=3).eval()
    fill(network, "disc")
    with tapped(network) as taps:
        fixture.put("out", network(fixture.tensor("input"), fixture.tensor("y")))
    fixture.put_taps(taps)
