"""The sums that kernels leave for normalisations: what they must be, and comparisons of them and of what comes of them."""

import numpy

import maps
from structures import make

EPSILON = 1e-5


def expected(values):
    """The sum of a tile's pixels and of their squared deviations from their mean: N, C, H, W to N, tile, C, 2."""
    flat = values.reshape(*values.shape[:2], -1)
    pieces = [flat[..., start : start + maps.TILE] for start in range(0, flat.shape[2], maps.TILE)]
    return numpy.stack([numpy.stack([piece.sum(2), piece.var(2) * piece.shape[2]], 2) for piece in pieces], 1)


def compare(check, kernel, name, address, values):
    """
    Compares what a kernel left of one part, whose values it wrote or read. Every sum of squared deviations, and every
    channel's scale, is compared by its own size: beside sums of values around 1000 an error of 1 % would not show.
    """
    want = expected(values)
    images, tiles, channels, _ = want.shape
    stride = maps.padded(channels)
    got = check.driver.download(address, (images, tiles, stride, 2), numpy.float32)
    if got[:, :, channels:].any():
        raise AssertionError("moments of padding are not zero")
    got = got[:, :, :channels]
    check.compare(kernel, f"{name}, sums", "f32", got[..., 0], want[..., 0])
    sizes = numpy.where(want[..., 1] > 0, want[..., 1], 1)
    check.compare(kernel, f"{name}, squared deviations", "f32", got[..., 1] / sizes, want[..., 1] / sizes)

    if (abs(values.mean((2, 3))) > 5000 * values.std((2, 3))).any():
        # The sum in float32 alone leaves more than the bound in the scale.
        return
    task = make(
        "norm", moments=[address], channels=[channels], strides=[stride], part_count=1, slots=stride, moment_tiles=tiles,
        images=images, pixels=values.shape[2] * values.shape[3], groups=channels, epsilon=EPSILON,
        output=check.driver.allocate(8 * images * stride),
    )
    check.driver.launch("norm_coefficients", (channels, images), task)
    scale, shift = check.driver.download(task.output, (images, 2, stride), numpy.float32)[..., :channels].swapaxes(0, 1)
    deviation = numpy.sqrt(values.var((2, 3)) + EPSILON)
    check.compare(kernel, f"{name}, scale", "f32", scale * deviation, numpy.ones(scale.shape))
    check.compare(kernel, f"{name}, shift", "f32", shift, -values.mean((2, 3)) / deviation)
