"""Cases of attention, of fully connected layers, and of the kernels of vectors and coefficients."""

import itertools

import numpy

import maps
import moments
from maps import LEAKY_RELU, NONE, SIGMOID, SILU, TILE
from structures import make

# Half of what other operations may differ: a softmax's scale that is off by a thousandth must show.
ATTENTION_BOUNDS = {"f32": 1e-5, "f16": 1e-3, "bf16": 8e-3}
ATTENTION = {
    "one position": dict(positions=1, heads=1, channels=8, images=1),
    "8 channels": dict(positions=20, heads=3, channels=8, images=2),
    "20 heads' channels are 24": dict(positions=65, heads=2, channels=24, images=1),
    "64 channels": dict(positions=130, heads=1, channels=64, images=1),
    "72 channels": dict(positions=33, heads=1, channels=72, images=2),
    "192 channels": dict(positions=33, heads=1, channels=192, images=1),
    "256 channels, kinds first": dict(positions=9, heads=2, channels=256, images=1, kinds_first=True),
    "512 channels": dict(positions=70, heads=1, channels=512, images=1),
    "520 channels": dict(positions=9, heads=1, channels=520, images=1),
    "21 channels": dict(positions=35, heads=3, channels=21, images=2),
    "three parts": dict(positions=70, heads=2, channels=16, images=2, parts=True),
    "large scores": dict(positions=70, heads=1, channels=32, images=1, scale=8.0),
    # Exponents of up to 300 and 100: sums of products that have to be right in all but their last bits.
    "steep": dict(positions=130, heads=2, channels=64, images=2, scale=8.0),
    "steep, 512 channels": dict(positions=70, heads=2, channels=512, images=2, scale=5.0),
}
LINEAR = {
    "1 by 1": dict(inputs=1, outputs=1, images=1),
    "ragged": dict(inputs=130, outputs=21, images=3, bias=True, activation=SILU),
    "five images": dict(inputs=20, outputs=6, images=5, bias=True),
}
NORM = {
    "one group": dict(channels=[8], size=(3, 3), groups=1, images=1),
    "groups over parts": dict(channels=[20, 4], size=(9, 15), groups=8, images=3, affine=True),
    "modulation": dict(channels=[6, 3, 7], size=(5, 5), groups=4, images=2, affine=True, modulation=True),
    "many channels a group": dict(channels=[260, 260], size=(2, 2), groups=1, images=1, affine=True),
    "far from zero": dict(channels=[6], size=(9, 15), groups=6, images=2, hard=maps.HARD["far from zero"]),
}
COEFFICIENTS = {f"kind {kind}": dict(kind=kind, channels=[3, 8, 20], images=3) for kind in range(3)}
VECTOR = {
    "one": dict(count=300, images=2, activation=SILU),
    "sum": dict(count=5, images=3, right=True, activation=SIGMOID),
    "repeated": dict(count=7, images=3, right=True, repeats=True, activation=LEAKY_RELU),
}
TIMESTEPS = {
    "cosine first": dict(width=16, cosine_first=1, shift=0),
    "sine first, shifted": dict(width=17, cosine_first=0, shift=1),
    "wide": dict(width=256, cosine_first=1, shift=0),
}


def attention(check, kind, name, spec):
    driver, random = check.driver, numpy.random.default_rng(3)
    images, positions, heads, channels = (spec[key] for key in ("images", "positions", "heads", "channels"))
    shape = (3, images, heads, channels, positions)
    values = maps.rounded(random.standard_normal(shape) * spec.get("scale", 1.0), kind)
    scores = numpy.einsum("bhcq,bhck->bhqk", values[0], values[1]) / channels**0.5
    weights = numpy.exp(scores - scores.max(3, keepdims=True))
    weights /= weights.sum(3, keepdims=True)
    want = numpy.einsum("bhqk,bhck->bhcq", weights, values[2]).reshape(images, -1, positions, 1)
    flat = values.reshape(3, images, heads * channels, positions, 1)
    task = make("attention", images=images, positions=positions, heads=heads, head_channels=channels)
    if spec.get("parts"):
        parts, offsets, task.head_step = [maps.upload(driver, part, kind) for part in flat], [0, 0, 0], channels
    elif spec.get("kinds_first"):
        parts = [maps.upload(driver, numpy.concatenate(flat, 1), kind)] * 3
        offsets, task.head_step = [index * heads * channels for index in range(3)], channels
    else:
        joined = values.transpose(1, 2, 0, 3, 4).reshape(images, -1, positions, 1)
        parts = [maps.upload(driver, joined, kind)] * 3
        offsets, task.head_step = [index * channels for index in range(3)], 3 * channels
    task.queries, task.keys, task.values = parts
    task.query_offset, task.key_offset, task.value_offset = offsets
    names = [f"attention_plain_{kind}"]
    if kind != "f32" and channels % 8 == 0:
        names += [f"attention_{size}_{kind}" for size, widest in ((64, 512), (128, 256)) if channels <= widest]
    for kernel in names:
        output = maps.blank(driver, images, heads * channels, positions, 1, kind)
        task.output = output
        _, _, queries, slice_channels, _ = driver.kernels[kernel]
        driver.launch(kernel, (-(-positions // queries), heads * -(-channels // slice_channels), images), task)
        got = maps.download(driver, output, images, positions, 1, kind)
        check.compare(kernel, name, kind, got, want, ATTENTION_BOUNDS[kind])


def linear(check, kind, name, spec):
    driver, random = check.driver, numpy.random.default_rng(4)
    images, inputs, outputs = spec["images"], spec["inputs"], spec["outputs"]
    weights = maps.rounded(random.standard_normal((outputs, inputs)), kind)
    source = random.standard_normal((images, inputs + 2)).astype("f4")
    task = make(
        "linear", weights=driver.upload(maps.encode(weights, kind)), input=driver.upload(source),
        input_stride=inputs + 2, images=images, inputs=inputs, outputs=outputs,
        output=driver.allocate(4 * images * outputs), output_stride=outputs, activation=spec.get("activation", NONE),
        slope=maps.SLOPE,
    )
    want = source[:, :inputs].astype("f8") @ weights.T
    if spec.get("bias"):
        bias = random.standard_normal(outputs).astype("f4")
        task.bias, want = driver.upload(bias), want + bias
    kernel = f"linear_{kind}"
    driver.launch(kernel, (-(-outputs // 4), -(-images // 4)), task)
    got = driver.download(task.output, want.shape, numpy.float32)
    check.compare(kernel, name, "f32", got, maps.activated(want, task.activation))


def norm(check, kind, name, spec):
    driver, random = check.driver, numpy.random.default_rng(5)
    images, channels, (height, width), groups = (spec[key] for key in ("images", "channels", "size", "groups"))
    values = maps.moved(random.standard_normal((images, sum(channels), height, width)), **spec.get("hard", dict(offset=2)))
    pixels, total = height * width, sum(channels)
    tiles = -(-pixels // TILE)
    task = make(
        "norm", channels=channels, strides=[maps.padded(count) for count in channels], part_count=len(channels),
        slots=sum(map(maps.padded, channels)), moment_tiles=tiles, images=images, pixels=pixels, groups=groups,
        epsilon=1e-5,
    )
    start, rounded_moments = 0, []
    counts = numpy.array([min(pixels - TILE * tile, TILE) for tile in range(tiles)])[None, :, None]
    for index, count in enumerate(channels):
        table = numpy.zeros((images, tiles, maps.padded(count), 2), "f4")
        table[:, :, :count] = moments.expected(values[:, start : start + count])
        task.moments[index] = driver.upload(table)
        total_sums, deviations = table[:, :, :count].astype("f8").transpose(3, 0, 1, 2)
        rounded_moments.append(numpy.stack([total_sums, deviations + total_sums**2 / counts], 3).sum(1))
        start += count
    sums = numpy.concatenate(rounded_moments, 1).reshape(images, groups, -1, 2).sum(2) / (pixels * total // groups)
    mean = sums[..., 0].repeat(total // groups, 1)
    scale = 1 / numpy.sqrt(sums[..., 1].repeat(total // groups, 1) - mean**2 + 1e-5)
    shift = -mean * scale
    if spec.get("affine"):
        weight, bias = random.standard_normal((2, total)).astype("f4")
        task.weight, task.bias = driver.upload(weight), driver.upload(bias)
        scale, shift = scale * weight, shift * weight + bias
    if spec.get("modulation"):
        modulation = random.standard_normal((images, 2 * total)).astype("f4")
        task.modulation, task.modulation_stride = driver.upload(modulation), 2 * total
        factor = 1 + modulation[:, :total].astype("f8")
        scale, shift = scale * factor, shift * factor + modulation[:, total:]
    coefficients(check, "norm_coefficients", name, (groups, images), task, channels, images, scale, shift)


def coefficients(check, kernel, name, grid, task, channels, images, scale, shift):
    """Launches a kernel that writes scales and shifts, and compares them, each by their own size."""
    shape = (images, 2, task.slots)
    task.output = check.driver.upload(numpy.full(shape, numpy.nan, "f4"))
    check.driver.launch(kernel, grid, task)
    want = numpy.zeros(shape)
    want[..., maps.Map.slots_of(channels)] = numpy.stack([scale, shift], 1)
    got = check.driver.download(task.output, shape, numpy.float32)
    check.compare(kernel, f"{name}, scale", "f32", got[:, 0], want[:, 0])
    check.compare(kernel, f"{name}, shift", "f32", got[:, 1], want[:, 1])


def vector_coefficients(check, kind, name, spec):
    images, channels = spec["images"], spec["channels"]
    total = sum(channels)
    random = numpy.random.default_rng(6)
    vector = random.standard_normal((images, [2 * total, total, 1][spec["kind"]])).astype("f4")
    task = make(
        "vector_coefficients", channels=channels, strides=[maps.padded(count) for count in channels],
        part_count=len(channels), slots=sum(map(maps.padded, channels)), images=images, kind=spec["kind"],
        vector=check.driver.upload(vector), vector_stride=vector.shape[1],
    )
    ones = numpy.ones((images, total))
    scale = [lambda: 1 + vector[:, :total], lambda: ones, lambda: ones * vector][spec["kind"]]()
    shift = [lambda: vector[:, total:], lambda: vector, lambda: 0 * ones][spec["kind"]]()
    coefficients(check, "vector_coefficients", name, (images,), task, channels, images, scale, shift)


def vector(check, kind, name, spec):
    driver, random = check.driver, numpy.random.default_rng(8)
    images, count = spec["images"], spec["count"]
    rows = 1 if spec.get("repeats") else images
    left, right = random.standard_normal((rows, count)).astype("f4"), random.standard_normal((images, count)).astype("f4")
    task = make(
        "vector", left=driver.upload(left), output=driver.allocate(4 * images * count), output_stride=count,
        left_stride=count if rows > 1 else 0, images=images, count=count, activation=spec["activation"], slope=maps.SLOPE,
    )
    want = numpy.broadcast_to(left.astype("f8"), (images, count))
    if spec.get("right"):
        task.right, task.right_stride, want = driver.upload(right), count, want + right
    driver.launch("vector", (1, images), task)
    got = driver.download(task.output, want.shape, numpy.float32)
    check.compare("vector", name, "f32", got, maps.activated(want, spec["activation"]))


def timesteps(check, kind, name, spec):
    driver, steps = check.driver, numpy.array([0, 1, 17.5, 999], "f4")
    width, shift, half = spec["width"], spec["shift"], spec["width"] // 2
    index, period = numpy.arange(half, dtype="f4"), numpy.log(10000.0)
    if shift:
        exponent = index * -numpy.float32(period / (half - shift))
    else:
        exponent = -numpy.float32(period) * index / numpy.float32(half)
    angles = (steps[:, None] * numpy.exp(exponent.astype("f8")).astype("f4")[None]).astype("f8")
    order = [numpy.cos, numpy.sin] if spec["cosine_first"] else [numpy.sin, numpy.cos]
    want = numpy.zeros((4, width))
    want[:, : 2 * half] = numpy.concatenate([function(angles) for function in order], 1)
    task = make(
        "timestep", timesteps=driver.upload(steps), output=driver.allocate(16 * width), images=4, width=width,
        cosine_first=spec["cosine_first"], frequency_shift=shift, output_stride=width,
    )
    driver.launch("timestep_embedding", (4,), task)
    check.compare("timestep_embedding", name, "f32", driver.download(task.output, (4, width), numpy.float32), want, 1e-7)


def classes(check, kind, name, spec):
    driver = check.driver
    table = numpy.random.default_rng(9).standard_normal((5, 300)).astype("f4")
    labels = numpy.array([4, 0, 2], "f4")
    task = make(
        "class_embedding", labels=driver.upload(labels), table=driver.upload(table), images=3, width=300,
        output=driver.allocate(3600), output_stride=300,
    )
    driver.launch("class_embedding", (3,), task)
    got = driver.download(task.output, (3, 300), numpy.float32)
    check.compare("class_embedding", name, "f32", got, table[labels.astype(int)], 0)


def cases():
    for function, table in ((attention, ATTENTION), (linear, LINEAR)):
        for kind, (name, spec) in itertools.product(maps.KINDS, table.items()):
            yield kind, (f"{function.__name__}, {name}", spec | dict(function=function))
    for function, table in (
        (norm, NORM), (vector_coefficients, COEFFICIENTS), (vector, VECTOR), (timesteps, TIMESTEPS), (classes, {"rows": {}}),
    ):
        for name, spec in table.items():
            yield "f32", (f"{function.__name__}, {name}", spec | dict(function=function))


def run(check, kind, name, spec):
    spec["function"](check, kind, name, spec)
