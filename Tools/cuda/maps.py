"""Maps, as the kernels keep them, from and to NumPy arrays in the order N, C, H, W; and their transforms in float64."""

import numpy
import torch

from structures import CONSTANTS, make

KINDS = ["f16", "bf16", "f32"]
NONE, SILU, RELU, LEAKY_RELU, SIGMOID = range(5)
SLOPE = 0.2
TILE = CONSTANTS["UD2M_CUDA_MOMENT_PIXELS"]

# Values that are hard to add up, as arguments of `moved`. Far from zero, sums in float32 leave 5e-6 in scales. Among 64
# channels or more, the pixel far from others is every one.
HARD = {
    "far from zero": dict(offset=1000),
    "first pixel far": dict(outlier="first"),
    "one pixel far": dict(outlier="any"),
}


def padded(channels):
    step = CONSTANTS["UD2M_CUDA_CHANNELS"]
    return (channels + step - 1) // step * step


def encode(values, kind):
    """Rounds to the elements of a kind, as the bits that a buffer holds."""
    tensor = torch.from_numpy(numpy.ascontiguousarray(values))
    if kind == "f32":
        return tensor.float().numpy()
    return tensor.to(torch.float16 if kind == "f16" else torch.bfloat16).view(torch.int16).numpy()


def decode(bits, kind):
    if kind == "f32":
        return bits.astype(numpy.float64)
    tensor = torch.from_numpy(bits).view(torch.float16 if kind == "f16" else torch.bfloat16)
    return tensor.double().numpy()


def rounded(values, kind):
    return decode(encode(values, kind), kind)


def upload(driver, values, kind):
    """A part on the device of an array N, C, H, W."""
    images, channels, height, width = values.shape
    buffer = numpy.zeros((images, height, width, padded(channels)))
    buffer[..., :channels] = values.transpose(0, 2, 3, 1)
    return make("part", data=driver.upload(encode(buffer, kind)), channels=channels, stride=padded(channels))


def blank(driver, images, channels, height, width, kind):
    """A part for a kernel to write, filled with what is not a number."""
    size = images * height * width * padded(channels)
    bits = numpy.full(size, numpy.nan, numpy.float32) if kind == "f32" else numpy.full(size, -1, numpy.int16)
    return make("part", data=driver.upload(bits), channels=channels, stride=padded(channels))


def download(driver, part, images, height, width, kind):
    """The array N, C, H, W of a part, whose padding must be zero."""
    element = numpy.float32 if kind == "f32" else numpy.int16
    values = decode(driver.download(part.data, (images, height, width, part.stride), element), kind)
    if values[..., part.channels :].any() or numpy.isnan(values[..., part.channels :]).any():
        raise AssertionError("padding is not zero")
    return values[..., : part.channels].transpose(0, 3, 1, 2)


def moved(values, offset=0, outlier=None):
    """Maps N, C, H, W with `offset` added and, in every tile, the first or some pixel 30 to 1000 farther away."""
    flat = values.reshape(*values.shape[:2], -1) + offset
    for start in range(0, flat.shape[2] if outlier else 0, TILE):
        count = min(flat.shape[2] - start, TILE)
        for channel, distance in enumerate(numpy.geomspace(30, 1000, flat.shape[1])):
            flat[:, channel, start + (0 if outlier == "first" else (7 * channel + 5) % count)] += distance
    return flat.reshape(values.shape)


def activated(values, activation, slope=SLOPE):
    with numpy.errstate(over="ignore"):
        if activation == SILU:
            return values / (1 + numpy.exp(-values))
        if activation == RELU:
            return numpy.maximum(values, 0)
        if activation == LEAKY_RELU:
            return numpy.where(values < 0, slope * values, values)
        if activation == SIGMOID:
            return 1 / (1 + numpy.exp(-values))
    return values


class Map:
    """Random parts with transforms: `structure` for kernels, `values` as they read it, in float64."""

    def __init__(
        self, driver, random, kind, images, channels, height, width, coefficients=None, activation=NONE,
        upsampled=False, scale=1.0, hard={},
    ):
        arrays = [
            rounded(moved(scale * random.standard_normal((images, count, height, width)), **hard), kind)
            for count in channels
        ]
        parts = [upload(driver, array, kind) for array in arrays]
        slots = sum(part.stride for part in parts)
        self.structure = make(
            "map", parts=parts, part_count=len(parts), slots=slots, height=height, width=width,
            activation=activation, slope=SLOPE, upsampled=int(upsampled),
        )
        values = numpy.concatenate(arrays, 1)
        if coefficients:
            count = images if coefficients == "image" else 1
            table = random.standard_normal((count, 2, sum(channels))).astype(numpy.float32)
            device = numpy.zeros((count, 2, slots), numpy.float32)
            device[:, :, self.slots_of(channels)] = table
            address = driver.upload(device)
            self.structure.scale, self.structure.shift = address, address + 4 * slots
            self.structure.coefficient_stride = 2 * slots if coefficients == "image" else 0
            table = table.astype(numpy.float64)[..., None, None]
            values = table[:, 0] * values + table[:, 1]
        values = activated(values, activation)
        if upsampled:
            values = values.repeat(2, 2).repeat(2, 3)
        self.channels, self.arrays, self.values = channels, arrays, values

    @staticmethod
    def slots_of(channels):
        """The slot of every channel."""
        start, result = 0, []
        for count in channels:
            result += range(start, start + count)
            start += padded(count)
        return result
