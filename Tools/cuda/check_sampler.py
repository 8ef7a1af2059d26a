"""Cases of the kernels between two runs of a network: transforms, proximal steps, noise, sums."""

import numpy

from structures import CONSTANTS, make

KEEP, BLUR, ADJOINT, POWER, TIKHONOV, COMPLEX_SQUARE = range(6)
SUMS = ["SUM", "SQUARES", "DOT", "SQUARED_DIFFERENCES", "LARGEST"]

SIZES = [(1, 1), (2, 3), (8, 16), (7, 12), (16, 5), (33, 20), (64, 128), (1, 2048), (4096, 1), (1, 1025), (2100, 1)]
TRANSFORMS = {f"{height}×{width}": dict(size=(height, width), images=1, channels=1) for height, width in SIZES}
TRANSFORMS |= {
    "channels and images": dict(size=(12, 8), images=2, channels=3),
    "weighted": dict(size=(4, 6), images=1, channels=2, weights=(0.25, -1.5)),
}
FILTERS = {
    f"filter {kind}, {height}×{width}": dict(size=(height, width), filter=kind)
    for kind in range(1, 6)
    for height, width in ((16, 8), (9, 10))
}
SUPER_RESOLUTION = {
    "factor 2": dict(size=(6, 5), factor=2, weight=0.7),
    "factor 4, small weight": dict(size=(2, 4), factor=4, weight=1e-3),
}
NOISE = {
    "alone": dict(count=4099, scales=(0.0, 1.0)),
    "added": dict(count=1001, scales=(0.75, 0.3), is_added=True),
    "one value": dict(count=1, scales=(0.0, 1.0)),
}
REDUCTIONS = {
    f"{kind}, {count}": dict(kind=kind, count=count, blocks=blocks)
    for kind in SUMS
    for count, blocks in ((1, 1), (5000, 3))
}
COMBINATIONS = {
    "two": dict(count=1000, scales=(0.3, -1.7)),
    "clamped": dict(count=513, scales=(1.5, 1.0), is_clamped=1),
    "one": dict(count=3, scales=(0.1, 0.0), is_single=True),
}
MASKED = {
    "solve": dict(kind=0, has_mask=True),
    "solve without mask": dict(kind=0, has_mask=False),
    "paste": dict(kind=1, has_mask=True),
}


def interleaved(values):
    return numpy.stack([values.real, values.imag], -1).astype("f4")


def tables(driver, length):
    """The tables of a length, as the host makes them: in double precision, rounded."""
    points = 1 << (length - 1).bit_length()
    result = make("fft_tables", length=length, points=points)
    if points != length:
        result.points = points = 1 << (2 * length - 2).bit_length()
        # k² modulo 2·length, since the exponential has that period.
        chirp = numpy.exp(-1j * numpy.pi * (numpy.arange(length) ** 2 % (2 * length)) / length)
        wrapped = numpy.zeros(points, complex)
        wrapped[:length] = chirp.conj()
        wrapped[points - length + 1 :] = chirp.conj()[:0:-1]
        result.chirp = driver.upload(interleaved(chirp))
        result.chirp_spectrum = driver.upload(interleaved(numpy.fft.fft(wrapped) / points))
    result.twiddles = driver.upload(interleaved(numpy.exp(-2j * numpy.pi * numpy.arange(points) / points)))
    return result


class Images:
    """Random planes on the device, and the launches of transforms over them."""

    def __init__(self, driver, spec, random):
        self.driver = driver
        self.height, self.width = spec["size"]
        self.images, self.channels = spec.get("images", 1), spec.get("channels", 3)
        self.weights = spec.get("weights", (1.0, 0.0))
        shape = (self.images, self.channels, self.height, self.width)
        self.first, self.second = random.standard_normal((2, *shape)).astype("f4")
        self.pairs = self.images * ((self.channels + 1) // 2)
        self.shape = (self.pairs, self.height, self.width)
        self.rows, self.columns = tables(driver, self.width), tables(driver, self.height)
        self.spectrum = driver.upload(numpy.full((*self.shape, 2), numpy.nan, "f4"))
        self.planes = driver.upload(numpy.full(shape, numpy.nan, "f4"))

    def packed(self, planes):
        """Pairs of planes as complex images."""
        even = numpy.zeros((self.images, self.channels + self.channels % 2, self.height, self.width))
        even[:, : self.channels] = planes
        return (even[:, ::2] + 1j * even[:, 1::2]).reshape(self.shape)

    def mean(self):
        return self.weights[0] * self.first.astype("f8") + self.weights[1] * self.second.astype("f8")

    def transform_rows(self, inverse):
        task = make(
            "fft_rows", tables=self.rows, images=self.images, channels=self.channels, height=self.height,
            inverse=inverse, first=self.driver.upload(self.first), first_weight=self.weights[0], planes=self.planes,
            scale=1 / (self.height * self.width), spectrum=self.spectrum,
        )
        if self.weights[1]:
            task.second, task.second_weight = self.driver.upload(self.second), self.weights[1]
        lines = max(2048 // self.rows.points, 1)
        self.driver.launch("fft_rows", (-(-self.height // lines), self.pairs), task)

    def transform_columns(self, inverse=0, **more):
        task = make(
            "fft_columns", tables=self.columns, count=self.pairs, width=self.width, inverse=inverse,
            spectrum=self.spectrum, **more,
        )
        lines = max(2048 // self.columns.points, 1)
        self.driver.launch("fft_columns", (-(-self.width // lines), self.pairs), task)

    def download_spectrum(self):
        values = self.driver.download(self.spectrum, (*self.shape, 2), numpy.float32).astype("f8")
        return values[..., 0] + 1j * values[..., 1]

    def download_planes(self):
        return self.driver.download(self.planes, self.first.shape, numpy.float32)


def compare_complex(check, kernel, name, got, want):
    check.compare(kernel, name, "f32", numpy.stack([got.real, got.imag]), numpy.stack([want.real, want.imag]))


def transforms(check, name, spec, random):
    images = Images(check.driver, spec, random)
    images.transform_rows(0)
    want = numpy.fft.fft(images.packed(images.mean()), axis=2)
    compare_complex(check, "fft_rows", name, images.download_spectrum(), want)
    images.transform_columns()
    compare_complex(check, "fft_columns", name, images.download_spectrum(), numpy.fft.fft(want, axis=1))
    images.transform_columns(1)
    images.transform_rows(1)
    check.compare("fft_rows", name + ", back", "f32", images.download_planes(), images.mean())


def random_transfer(driver, random, size):
    transfer = numpy.fft.fft2(random.standard_normal(size)) / (size[0] * size[1]) ** 0.5
    return transfer, driver.upload(interleaved(transfer))


def filters(check, name, spec, random):
    images, weight = Images(check.driver, spec, random), 0.3
    transfer, transfer_address = random_transfer(check.driver, random, spec["size"])
    observed_planes = random.standard_normal(images.first.shape)
    observed = numpy.fft.fft2(images.packed(observed_planes))
    images.transform_rows(0)
    images.transform_columns(
        filter=spec["filter"], transfer=transfer_address, observed=check.driver.upload(interleaved(observed)),
        weight=weight,
    )
    images.transform_rows(1)
    mean, square = numpy.fft.fft2(images.packed(images.mean())), abs(transfer) ** 2
    above = transfer.conj() * observed + weight * mean
    want = {
        BLUR: transfer * mean, ADJOINT: transfer.conj() * mean, POWER: square * mean,
        TIKHONOV: above / (square + weight), COMPLEX_SQUARE: above / (transfer**2 + weight),
    }[spec["filter"]]
    solution = numpy.fft.ifft2(want)
    got = images.packed(images.download_planes())
    if images.channels % 2:
        # The complex square mixes the two halves; the second one of the last pair is dropped.
        solution[-1] = solution[-1].real
    # The published divisor may be small: its condition counts, not the kernel.
    condition = max(1.0, abs(above).max() / abs(transfer**2 + weight).min() / abs(want).max())
    bound = 1e-5 * condition if spec["filter"] == COMPLEX_SQUARE else None
    check.compare("fft_columns", name, "f32", numpy.stack([got.real, got.imag]),
                  numpy.stack([solution.real, solution.imag]), bound)


def super_resolution(check, name, spec, random):
    driver, factor, weight = check.driver, spec["factor"], spec["weight"]
    height, width = spec["size"]
    full = (height * factor, width * factor)
    transfer, transfer_address = random_transfer(driver, random, full)
    mean = random.standard_normal((2, *full)) + 1j * random.standard_normal((2, *full))
    observed = random.standard_normal((2, height, width)) + 1j * random.standard_normal((2, height, width))
    spectrum = driver.upload(interleaved(mean))
    task = make(
        "super_resolution", spectrum=spectrum, transfer=transfer_address, observed=driver.upload(interleaved(observed)),
        count=2, height=height, width=width, factor=factor, weight=weight,
    )
    driver.launch("super_resolution", (1, 2), task)

    def fold(values):
        return values.reshape(*values.shape[:-2], factor, height, factor, width).mean((-4, -2))

    # The closed form of the formula, which divides by the weight.
    data = transfer.conj() * numpy.tile(observed, (1, factor, factor)) + weight * mean
    aliased = fold(transfer * data) / (fold(abs(transfer) ** 2) + weight)
    want = (data - transfer.conj() * numpy.tile(aliased, (1, factor, factor))) / weight
    got = driver.download(spectrum, (2, *full, 2), numpy.float32).astype("f8")
    compare_complex(check, "super_resolution", name, got[..., 0] + 1j * got[..., 1], want)


def philox(counter, key):
    counter, key = [c.astype(numpy.uint64) for c in counter], [numpy.uint64(k) for k in key]
    mask, shift = numpy.uint64(0xFFFFFFFF), numpy.uint64(32)
    for _ in range(10):
        first, second = numpy.uint64(0xD2511F53) * counter[0], numpy.uint64(0xCD9E8D57) * counter[2]
        counter = [
            (second >> shift) ^ counter[1] ^ key[0], second & mask, (first >> shift) ^ counter[3] ^ key[1], first & mask,
        ]
        key = [(key[0] + numpy.uint64(0x9E3779B9)) & mask, (key[1] + numpy.uint64(0xBB67AE85)) & mask]
    return [c.astype(numpy.float64) for c in counter]


def noise(check, name, spec, random):
    count, key, names = spec["count"], (0x12345678, 0x9ABCDEF0), (65538, 4, 7)
    blocks = numpy.arange((count + 3) // 4, dtype=numpy.uint32)
    words = philox([blocks] + [numpy.full_like(blocks, word) for word in names], key)
    want = []
    for radius_word, angle_word in (words[:2], words[2:]):
        radius = numpy.sqrt(-2 * numpy.log((radius_word + 1) * 2.0**-32))
        angle = 2 * numpy.pi * (angle_word * 2.0**-32)
        want += [radius * numpy.cos(angle), radius * numpy.sin(angle)]
    want = numpy.stack(want, 1).reshape(-1)[:count].astype("f4")
    task = make(
        "noise", output=check.driver.allocate(4 * count), input_scale=spec["scales"][0], noise_scale=spec["scales"][1],
        count=count, key=key, position=names[0], kind=names[1], sample=names[2],
    )
    want = spec["scales"][1] * want.astype("f8")
    if spec.get("is_added"):
        source = random.standard_normal(count).astype("f4")
        task.input, want = check.driver.upload(source), spec["scales"][0] * source.astype("f8") + want
    check.driver.launch("noise", (2,), task)
    # Equal: no value of these cases is near enough to the middle between two floats.
    check.compare("noise", name, "f32", check.driver.download(task.output, (count,), numpy.float32), want.astype("f4"), 0)


def reductions(check, name, spec, random):
    driver, count, blocks, groups = check.driver, spec["count"], spec["blocks"], 3
    left, right = random.standard_normal((2, groups, count)).astype("f4")
    kind = CONSTANTS["UD2M_CUDA_" + spec["kind"]]
    task = make(
        "reduce", left=driver.upload(left), right=driver.upload(right), count=count, groups=groups, kind=kind,
        blocks=blocks, partials=driver.allocate(8 * groups * blocks), output=driver.allocate(8 * groups),
    )
    driver.launch("reduce", (blocks, groups), task)
    driver.launch("reduce_finish", (groups,), task)
    a, b = left.astype("f8"), right.astype("f8")
    want = [a.sum(1), (a * a).sum(1), (a * b).sum(1), ((a - b) ** 2).sum(1), abs(a).max(1)][kind]
    got = driver.download(task.output, (groups,), numpy.float64)
    check.compare("reduce", name, "f32", got, want, 1e-12)
    check.compare("reduce_finish", name, "f32", got, want, 1e-12)


def combinations(check, name, spec, random):
    driver, count = check.driver, spec["count"]
    left, right = random.standard_normal((2, count)).astype("f4")
    task = make(
        "combine", left=driver.upload(left), output=driver.allocate(4 * count), left_scale=spec["scales"][0],
        right_scale=spec["scales"][1], count=count, is_clamped=spec.get("is_clamped", 0),
    )
    want = spec["scales"][0] * left.astype("f8")
    if not spec.get("is_single"):
        task.right, want = driver.upload(right), want + spec["scales"][1] * right.astype("f8")
    want = want.astype("f4")
    if task.is_clamped:
        want = want.clip(-1, 1)
    driver.launch("combine", (2,), task)
    check.compare("combine", name, "f32", driver.download(task.output, (count,), numpy.float32), want, 0)


def masked(check, name, spec, random):
    driver, planes, pixels, weight = check.driver, 3, 300, 0.2
    first, second, observed = random.standard_normal((3, planes, pixels)).astype("f4")
    mask = (random.standard_normal(pixels) > 0).astype("f4")
    task = make(
        "masked", observed=driver.upload(observed), first=driver.upload(first), second=driver.upload(second),
        output=driver.allocate(4 * planes * pixels), first_weight=0.4, second_weight=0.7, weight=weight, planes=planes,
        pixels=pixels, kind=spec["kind"],
    )
    if spec["has_mask"]:
        task.mask = driver.upload(mask)
    kept = mask != 0 if spec["has_mask"] else numpy.ones(pixels, bool)
    mean = 0.4 * first.astype("f8") + 0.7 * second.astype("f8")
    want = numpy.where(kept, (observed + weight * mean) / (1 + weight), mean)
    if spec["kind"] == 1:
        want = numpy.where(kept, observed, first)
    driver.launch("masked", (1, planes), task)
    got = driver.download(task.output, (planes, pixels), numpy.float32)
    check.compare("masked", name, "f32", got, want.astype("f4"), 0)


def cases():
    for function, table in (
        (transforms, TRANSFORMS), (filters, FILTERS), (super_resolution, SUPER_RESOLUTION), (noise, NOISE),
        (reductions, REDUCTIONS), (combinations, COMBINATIONS), (masked, MASKED),
    ):
        for name, spec in table.items():
            yield "f32", (f"{function.__name__}, {name}", spec | dict(function=function))


def run(check, kind, name, spec):
    spec["function"](check, name, spec, numpy.random.default_rng(12))
