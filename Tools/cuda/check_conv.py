"""Cases of the convolutions."""

import itertools

import numpy
import torch

import maps
import moments
from maps import LEAKY_RELU, NONE, RELU, SIGMOID, SILU, TILE
from structures import make


def case(size, inputs, outputs, kernel=(3, 3), pads=(1, 1, 1, 1), step=1, images=1, **more):
    """Pads are top, left, bottom, right."""
    return dict(size=size, inputs=inputs, outputs=outputs, kernel=kernel, pads=pads, step=step, images=images, **more)


CASES = {
    "one pixel": case((1, 1), [1], 1),
    "3×3, odd size": case((5, 7), [8], 8, bias="shared"),
    "1×1": case((6, 5), [20], 130, (1, 1), (0, 0, 0, 0)),
    "two parts": case((9, 8), [20, 3], 8, bias="image", images=3),
    "four parts": case((4, 4), [3, 8, 1, 20], 3),
    "stride, asymmetric padding": case((9, 6), [8], 20, pads=(0, 0, 1, 1), step=2, bias="shared"),
    "stride 3, tall kernel": case((11, 9), [3], 8, (5, 2), (2, 0, 2, 1), 3),
    "1×7": case((6, 9), [8], 8, (1, 7), (0, 3, 0, 3), output_activation=RELU),
    "coefficients": case((5, 5), [20, 8], 20, coefficients="image", activation=SILU, images=3, bias="image"),
    "coefficients of all": case((5, 6), [8], 8, coefficients="shared", bias="shared"),
    "activation": case((4, 7), [3], 8, activation=LEAKY_RELU),
    "sigmoid": case((4, 5), [3], 8, activation=SIGMOID),
    "upsampled": case((5, 3), [8], 20, upsampled=True, images=2),
    "all of the input": case((4, 3), [8, 3], 8, coefficients="image", activation=SILU, upsampled=True, images=2),
    "residual": case((7, 5), [8], 20, residual="plain", bias="shared", images=2, moments=True),
    "residual upsampled": case((6, 4), [8], 8, residual="upsampled", images=2),
    "moments": case((9, 15), [8], 20, moments=True, images=3, bias="shared"),
    "many pixels": case((13, 20), [3], 8, moments=True, bias="shared", output_activation=LEAKY_RELU),
    "many channels": case((3, 3), [130], 130, (1, 1), (0, 0, 0, 0), bias="image", images=2),
    "two splits": case((9, 8), [20, 8], 20, splits=2, bias="image", images=3, moments=True, residual="plain"),
    "more splits than chunks": case((5, 5), [8], 130, (1, 1), (0, 0, 0, 0), splits=3, output_activation=SILU),
    "output SiLU": case((4, 4), [8], 3, output_activation=SILU, bias="shared"),
    "output sigmoid": case((4, 4), [8], 3, output_activation=SIGMOID, moments=True),
    "too large for f16": case((2, 2), [8], 8, (1, 1), (0, 0, 0, 0), scale=200.0, weight_scale=200.0),
} | {
    f"moments, {name}{', two splits' * (splits > 0)}": case(
        (9, 15), [20, 8], 20, splits=splits, residual="plain", hard=hard, moments=True, images=2
    )
    for splits in (0, 2) for name, hard in maps.HARD.items()
}


def kernels(kind, spec):
    if kind == "f32":
        return ["conv_64x64_f32", "conv_128x128_f32"]
    is_transformed = spec.get("coefficients") or spec.get("activation", NONE) != NONE
    prefix = "conv_transformed_" if is_transformed else "conv_"
    return [f"{prefix}{tile}_{kind}" for tile in ("128x128", "64x64", "128x32")]


def expected(spec, source, weights, bias, residual):
    top, left, bottom, right = spec["pads"]
    values = torch.nn.functional.pad(torch.from_numpy(source), (left, right, top, bottom))
    values = torch.nn.functional.conv2d(values, torch.from_numpy(weights), stride=spec["step"]).numpy()
    if bias is not None:
        values = values + bias.astype(numpy.float64)[:, :, None, None]
    if residual is not None:
        factor = values.shape[2] // residual.shape[2]
        values = values + residual.repeat(factor, 2).repeat(factor, 3)
    return maps.activated(values, spec.get("output_activation", NONE))


def packed(weights, channels):
    outputs, _, height, width = weights.shape
    slots = sum(maps.padded(count) for count in channels)
    result = numpy.zeros((maps.padded(outputs), height, width, slots))
    result[:outputs][..., maps.Map.slots_of(channels)] = weights.transpose(0, 2, 3, 1)
    return result


def padded_rows(values, stride):
    """Maps N, C, H, W as their pixels' rows, padded with zeros."""
    rows = numpy.zeros((values.shape[0], *values.shape[2:], stride))
    rows[..., : values.shape[1]] = values.transpose(0, 2, 3, 1)
    return rows


def run(check, kind, name, spec):
    driver, images = check.driver, spec["images"]
    random = numpy.random.default_rng(7)
    source = maps.Map(
        driver, random, kind, images, spec["inputs"], *spec["size"], spec.get("coefficients"),
        spec.get("activation", NONE), spec.get("upsampled", False), spec.get("scale", 1.0),
    )
    height, width = spec["kernel"]
    count = sum(spec["inputs"]) * height * width
    weights = random.standard_normal((spec["outputs"], sum(spec["inputs"]), height, width)) / count**0.5
    weights = maps.rounded(weights * spec.get("weight_scale", 1.0), kind)
    bias = None
    if spec.get("bias"):
        rows = images if spec["bias"] == "image" else 1
        bias = random.standard_normal((rows, spec["outputs"])).astype(numpy.float32)
    top, left, bottom, right = spec["pads"]
    out_height = (source.values.shape[2] + top + bottom - height) // spec["step"] + 1
    out_width = (source.values.shape[3] + left + right - width) // spec["step"] + 1
    residual = residual_part = None
    if spec.get("residual"):
        factor = 2 if spec["residual"] == "upsampled" else 1
        shape = (images, spec["outputs"], out_height // factor, out_width // factor)
        residual = maps.rounded(maps.moved(random.standard_normal(shape), **spec.get("hard", {})), kind)
        residual_part = maps.upload(driver, residual, kind)
    want = expected(spec, source.values, weights, bias, residual)
    pixels = out_height * out_width
    moment_tiles = -(-pixels // TILE)
    packed_weights = driver.upload(maps.encode(packed(weights, spec["inputs"]), kind))
    for kernel in kernels(kind, spec):
        output = maps.blank(driver, images, spec["outputs"], out_height, out_width, kind)
        no_moments = numpy.full((images, moment_tiles, output.stride, 2), numpy.nan, "f4")
        conv = make(
            "conv", input=source.structure, weights=packed_weights, images=images, kernel_height=height,
            kernel_width=width, step=spec["step"], pad_top=top, pad_left=left, output=output,
            output_height=out_height, output_width=out_width, activation=spec.get("output_activation", NONE),
            slope=maps.SLOPE,
        )
        if bias is not None:
            conv.bias = driver.upload(bias)
            conv.bias_stride = bias.shape[1] if spec["bias"] == "image" else 0
        if residual_part is not None:
            conv.residual, conv.residual_upsampled = residual_part, int(spec["residual"] == "upsampled")
        if spec.get("moments"):
            conv.moments, conv.moment_tiles = driver.upload(no_moments), moment_tiles
        launch(driver, kernel, kind, conv, spec.get("splits"), pixels)
        got = maps.download(driver, output, images, out_height, out_width, kind)
        check.compare(kernel, name, kind, got, maps.rounded(want, kind) if "scale" in spec else want)
        finish = kernel
        if spec.get("splits") and kind != "f32":
            finish = f"conv_finish_{kind}"
            check.used.add(finish)
        # Moments of the values that the kernel wrote, so that only the sums' own rounding counts.
        if spec.get("moments"):
            moments.compare(check, finish, name, conv.moments, got)
        # Its own output as a library's product: what is left to do is to copy it, and to add up its moments.
        epilogue = f"conv_epilogue_{kind}"
        conv.partials = driver.upload(maps.encode(padded_rows(got, output.stride), kind))
        conv.output = output = maps.blank(driver, images, spec["outputs"], out_height, out_width, kind)
        conv.bias, conv.residual.data, conv.activation, conv.splits = 0, 0, NONE, 0
        if spec.get("moments"):
            conv.moments = driver.upload(no_moments)
        _, _, tile_pixels, tile_channels, _ = driver.kernels[epilogue]
        driver.launch(epilogue, (images * -(-pixels // tile_pixels), -(-output.stride // tile_channels)), conv)
        check.compare(epilogue, name, "f32", maps.download(driver, output, images, out_height, out_width, kind), got)
        if spec.get("moments"):
            moments.compare(check, epilogue, name, conv.moments, got)


def launch(driver, kernel, kind, conv, splits, pixels):
    """A convolution; of 16-bit maps in splits, if asked for, and what finishes them."""

    def grid(name):
        _, _, tile_pixels, tile_channels, _ = driver.kernels[name]
        return conv.images * -(-pixels // tile_pixels), -(-conv.output.stride // tile_channels)

    if not splits or kind == "f32":
        driver.launch(kernel, grid(kernel), conv)
        return
    conv.partials = driver.allocate(4 * splits * conv.images * pixels * conv.output.stride)
    conv.splits = splits
    driver.launch(kernel, (*grid(kernel), splits), conv)
    driver.launch(f"conv_finish_{kind}", grid(f"conv_finish_{kind}"), conv)


def cases():
    return itertools.product(maps.KINDS, CASES.items())
