"""Cases of the kernels that normalise, copy, pool and resize maps."""

import itertools

import numpy
import torch

import maps
import moments
from maps import LEAKY_RELU, RELU, SIGMOID, SILU, TILE
from structures import make

TRANSFORMS = dict(coefficients="image", activation=SILU)

CASES = {
    "moments": dict(run="moments", size=(9, 15), channels=[20], images=3),
    "moments of one pixel": dict(run="moments", size=(1, 1), channels=[1], images=1),
    "moments of many channels": dict(run="moments", size=(3, 3), channels=[130], images=2),
    # The mean in float32 is off by so much that squared deviations are right with its correction only.
    "moments very far from zero": dict(run="moments", size=(9, 15), channels=[20], images=2,
                                       map=dict(hard=dict(offset=30000))),
    # Nothing but the left edge.
    "moments of an edge": dict(run="moments", size=(5, 64), channels=[20], images=2,
                               map=dict(scale=0.0, hard=maps.HARD["first pixel far"])),
    "load plain": dict(run="load", size=(5, 3), channels=[3, 20], images=2),
    "load": dict(run="load", size=(5, 3), channels=[3, 20, 8], images=3, map=TRANSFORMS | dict(upsampled=True)),
    "load sigmoid": dict(run="load", size=(1, 1), channels=[1], images=1, map=dict(activation=SIGMOID)),
    "load ReLU": dict(run="load", size=(4, 4), channels=[130], images=1, map=dict(activation=RELU)),
    "load leaky": dict(run="load", size=(2, 3), channels=[8], images=1,
                       map=dict(activation=LEAKY_RELU, coefficients="shared")),
    "add": dict(run="add", size=(5, 7), channels=[20], images=3),
    "add vector": dict(run="add", size=(5, 7), channels=[3], images=3, vector="image"),
    "add one vector": dict(run="add", size=(1, 1), channels=[130], images=2, vector="shared"),
    "pack": dict(run="pack", size=(7, 9), channels=[3], images=2),
    "pack many channels": dict(run="pack", size=(1, 1), channels=[130], images=1),
    "flatten": dict(run="flatten", size=(7, 9), channels=[3], images=2),
    "flatten parts": dict(run="flatten", size=(3, 4), channels=[20, 1, 130], images=2, map=TRANSFORMS),
    "flatten upsampled": dict(run="flatten", size=(3, 2), channels=[8], images=1, map=dict(upsampled=True)),
    "interleave": dict(run="interleave", size=(3, 5), channels=[20], images=3),
    "maximum": dict(run="pool", size=(7, 8), channels=[20, 3], images=2, kind=0, window=3, step=2, padding=1),
    "maximum after transforms": dict(run="pool", size=(6, 5), channels=[3], images=2, kind=0, window=2, step=2,
                                     padding=0, map=TRANSFORMS),
    "mean": dict(run="pool", size=(7, 8), channels=[8], images=2, kind=1, window=3, step=1, padding=1),
    "mean upsampled": dict(run="pool", size=(3, 3), channels=[8], images=1, kind=1, window=2, step=2, padding=0,
                           map=dict(upsampled=True)),
    "adaptive mean": dict(run="pool", size=(7, 9), channels=[20], images=2, kind=2, output=(3, 4)),
    "adaptive mean, enlarging": dict(run="pool", size=(2, 3), channels=[3], images=1, kind=2, output=(5, 4)),
    "global average": dict(run="average", size=(9, 8), channels=[20, 3], images=3, map=TRANSFORMS),
    "global average of one pixel": dict(run="average", size=(1, 1), channels=[130], images=1),
    "global average of many pixels": dict(run="average", size=(25, 24), channels=[3], images=1),
    "resize": dict(run="resize", size=(5, 7), channels=[20], images=2, output=(11, 4)),
    "resize from one pixel": dict(run="resize", size=(1, 1), channels=[3], images=1, output=(3, 2)),
} | {
    f"moments, {name}": dict(run="moments", size=(9, 15), channels=[70], images=2, map=dict(hard=hard))
    for name, hard in maps.HARD.items()
}


class Run:
    """One case on the device."""

    def __init__(self, check, kind, name, spec):
        self.check, self.driver, self.kind, self.name, self.spec = check, check.driver, kind, name, spec
        self.random = numpy.random.default_rng(11)
        self.images, self.size, self.channels = spec["images"], spec["size"], spec["channels"]
        self.map = maps.Map(
            self.driver, self.random, kind, self.images, self.channels, *self.size, **spec.get("map", {})
        )
        getattr(self, spec["run"])()

    def vectors(self, count):
        """Workgroups of 256 threads with a vector each, but at least two turns for some."""
        return max(1, -(-count // 8 // 512))

    def outputs(self, height, width):
        return [maps.blank(self.driver, self.images, count, height, width, self.kind) for count in self.channels]

    def compare_parts(self, kernel, outputs, want):
        height, width = want.shape[2:]
        got = [maps.download(self.driver, part, self.images, height, width, self.kind) for part in outputs]
        self.compare(kernel, numpy.concatenate(got, 1), want)

    def compare(self, kernel, got, want):
        self.check.compare(kernel, self.name, self.kind, got, want)

    def launch(self, kernel, grid, structure):
        name = f"{kernel}_{self.kind}"
        self.driver.launch(name, grid, structure)
        return name

    def moments(self):
        part, pixels = self.map.structure.parts[0], self.size[0] * self.size[1]
        tiles = -(-pixels // TILE)
        shape = (self.images, tiles, part.stride, 2)
        address = self.driver.upload(numpy.full(shape, numpy.nan, "f4"))
        task = make("moments", part=part, images=self.images, pixels=pixels, moments=address, moment_tiles=tiles)
        kernel = self.launch("moments", (tiles, self.images, -(-part.stride // 128)), task)
        moments.compare(self.check, kernel, self.name, address, self.map.values)

    def load(self):
        height, width = self.map.values.shape[2:]
        outputs = self.outputs(height, width)
        task = make("load", input=self.map.structure, images=self.images, outputs=outputs)
        kernel = self.launch("load", (self.vectors(self.map.values.size), len(outputs)), task)
        self.compare_parts(kernel, outputs, self.map.values)

    def add(self):
        left = self.map.structure.parts[0]
        output = self.outputs(*self.size)[0]
        task = make("add", left=left, output=output, images=self.images, pixels=self.size[0] * self.size[1])
        if "vector" in self.spec:
            rows = self.images if self.spec["vector"] == "image" else 1
            vector = self.random.standard_normal((rows, self.channels[0])).astype("f4")
            task.vector = self.driver.upload(vector)
            task.vector_stride = self.channels[0] if rows > 1 else 0
            want = self.map.values + vector.astype("f8")[:, :, None, None]
        else:
            other = maps.Map(self.driver, self.random, self.kind, self.images, self.channels, *self.size)
            task.right = other.structure.parts[0]
            want = self.map.values + other.values
        kernel = self.launch("add", (self.vectors(want.size),), task)
        self.compare_parts(kernel, [output], want)

    def pack(self):
        values = self.random.standard_normal(self.map.values.shape).astype("f4")
        output, pixels = self.outputs(*self.size)[0], self.size[0] * self.size[1]
        task = make("pack", input=self.driver.upload(values), output=output, images=self.images, pixels=pixels)
        kernel = self.launch("pack", (-(-pixels // 32), -(-output.stride // 32), self.images), task)
        self.compare_parts(kernel, [output], maps.rounded(values, self.kind))

    def flatten(self):
        values = self.map.values
        count, slots = values[0].size, self.map.structure.slots
        address = self.driver.upload(numpy.full((self.images, count + 3), numpy.nan, "f4"))
        task = make(
            "flatten", input=self.map.structure, images=self.images, output=address, output_stride=count + 3
        )
        pixels = values.shape[2] * values.shape[3]
        kernel = self.launch("flatten", (-(-pixels // 32), -(-slots // 32), self.images), task)
        got = self.driver.download(address, (self.images, count + 3), numpy.float32)[:, :count]
        self.compare(kernel, got, values.reshape(self.images, -1))

    def interleave(self):
        height, width = self.size
        stride = maps.padded(self.channels[0])
        want = maps.rounded(
            self.random.standard_normal((self.images, self.channels[0], 2 * height, 2 * width)), self.kind
        )
        runs = numpy.zeros((self.images, 4 * stride, height, width))
        for run in range(4):
            runs[:, run * stride : run * stride + self.channels[0]] = want[:, :, run // 2 :: 2, run % 2 :: 2]
        output = self.outputs(2 * height, 2 * width)[0]
        task = make(
            "interleave", input=maps.upload(self.driver, runs, self.kind), output=output, images=self.images,
            height=height, width=width,
        )
        self.compare_parts(self.launch("interleave", (self.vectors(want.size),), task), [output], want)

    def pool(self):
        spec, values = self.spec, torch.from_numpy(self.map.values)
        functions = torch.nn.functional
        if spec["kind"] == 2:
            want = functions.adaptive_avg_pool2d(values, spec["output"])
        elif spec["kind"] == 1:
            want = functions.avg_pool2d(values, spec["window"], spec["step"], spec["padding"], count_include_pad=False)
        else:
            want = functions.max_pool2d(values, spec["window"], spec["step"], spec["padding"])
        height, width = want.shape[2:]
        outputs = self.outputs(height, width)
        task = make(
            "pool", input=self.map.structure, images=self.images, kind=spec["kind"], window=spec.get("window", 0),
            step=spec.get("step", 0), padding=spec.get("padding", 0), outputs=outputs, output_height=height,
            output_width=width,
        )
        kernel = self.launch("pool", (self.vectors(want.numel()), len(outputs)), task)
        self.compare_parts(kernel, outputs, want.numpy())

    def average(self):
        count = sum(self.channels)
        address = self.driver.upload(numpy.full((self.images, count + 1), numpy.nan, "f4"))
        task = make(
            "global_average", input=self.map.structure, images=self.images, output=address, output_stride=count + 1
        )
        kernel = self.launch("global_average", (-(-self.map.structure.slots // 32), self.images), task)
        got = self.driver.download(address, (self.images, count + 1), numpy.float32)[:, :count]
        self.compare(kernel, got, self.map.values.mean((2, 3)))

    def resize(self):
        height, width = self.spec["output"]
        want = torch.nn.functional.interpolate(
            torch.from_numpy(self.map.values), (height, width), mode="bilinear", align_corners=False
        ).numpy()
        output = self.outputs(height, width)[0]
        task = make(
            "resize", input=self.map.structure.parts[0], output=output, images=self.images, height=self.size[0],
            width=self.size[1], output_height=height, output_width=width,
        )
        self.compare_parts(self.launch("resize_bilinear", (self.vectors(want.size),), task), [output], want)


def run(check, kind, name, spec):
    Run(check, kind, name, spec)


def cases():
    return itertools.product(maps.KINDS, CASES.items())
