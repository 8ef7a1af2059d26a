import UD2MFormats

extension SelfTestCase {
    /// The cases of `ud2m cuda-selftest`: between them they launch every kernel that networks
    /// run on. `SamplerSelfTest` has those of the others.
    /// - Throws: `network-configuration` for a graph that makes no sense, which would be a bug.
    package static func all() throws -> [SelfTestCase] {
        [
            try convolutions(), try wideConvolutions(), try narrowConvolutions(), try dividedConvolutions(),
            try attention("attention", height: 9, width: 11),
            try attention("attention, one position", height: 1, width: 1),
            try joinedMaps(), try poolings(), try sums(), try vectors(), try network(),
        ]
    }

    /// Few pixels, odd sizes, strides and kernels.
    private static func convolutions() throws -> SelfTestCase {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 5)
        let h = builder.convolution(x, "first", channels: 24, kernel: 3)
        let norm = builder.silu(try builder.groupNorm(h, "norm", groups: 4))
        let down = builder.convolution(norm, "down", channels: 20, kernel: 3, stride: 2)
        let graph = builder.finish(builder.convolution(down, "last", channels: 9, kernel: 1, activation: .relu))
        return try SelfTestCase("convolutions", graph, images: ["x": [2, 5, 13, 10]])
    }

    /// As many outputs as fill a device: tiles of 128 pixels and channels.
    private static func wideConvolutions() throws -> SelfTestCase {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 8)
        let norm = builder.silu(try builder.groupNorm(x, "norm", groups: 4))
        let graph = builder.finish(
            try builder.add(
                builder.convolution(x, "plain", channels: 72, kernel: 1),
                builder.convolution(norm, "transformed", channels: 72, kernel: 1)))
        return try SelfTestCase("wide convolutions", graph, images: ["x": [1, 8, 120, 116]])
    }

    /// Many pixels of few channels: tiles of 128 pixels and 32 channels.
    private static func narrowConvolutions() throws -> SelfTestCase {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 3)
        let h = builder.convolution(x, "first", channels: 16, kernel: 3)
        let norm = builder.silu(try builder.groupNorm(h, "norm", groups: 4))
        let graph = builder.finish(builder.convolution(norm, "second", channels: 3, kernel: 3))
        return try SelfTestCase("narrow convolutions", graph, images: ["x": [1, 3, 120, 116]])
    }

    /// Few pixels and many channels: the products of an output are divided among blocks.
    private static func dividedConvolutions() throws -> SelfTestCase {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 144)
        let h = builder.convolution(x, "first", channels: 40, kernel: 3)
        let norm = builder.silu(try builder.groupNorm(h, "norm", groups: 8))
        let graph = builder.finish(try builder.add(h, builder.convolution(norm, "second", channels: 40, kernel: 3)))
        return try SelfTestCase("divided convolutions", graph, images: ["x": [2, 144, 5, 6]])
    }

    /// Heads of few and of many channels, and of a number that tensor cores do not take.
    private static func attention(_ name: String, height: Int, width: Int) throws -> SelfTestCase {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 12)
        let small = try builder.attention(
            builder.convolution(x, "small", channels: 72, kernel: 1), heads: 3, order: .headMajor)
        let large = try builder.attention(
            builder.convolution(x, "large", channels: 216, kernel: 1), heads: 1, order: .kindMajor)
        let largest = try builder.attention(
            builder.convolution(x, "largest", channels: 1536, kernel: 1), heads: 1, order: .kindMajor)
        let odd = try builder.attention(
            builder.convolution(x, "odd", channels: 45, kernel: 1), heads: 3, order: .headMajor)
        let parts = ["q", "k", "v"].map { builder.convolution(x, $0, channels: 16, kernel: 1) }
        let separate = try builder.attention(builder.concat(parts), heads: 2, order: .separate)
        let joined = builder.concat([small, large, largest, odd, separate])
        let graph = builder.finish(builder.convolution(joined, "out", channels: 8, kernel: 1))
        return try SelfTestCase(name, graph, images: ["x": [2, 12, height, width]])
    }

    /// Parts that are no multiples of eight, one of them interleaved, normalised without convolutions before them.
    private static func joinedMaps() throws -> SelfTestCase {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 7)
        let up = builder.transposedConvolution(x, "up", channels: 20)
        let y = builder.image("y", channels: 3)
        let joined = builder.concat(up, y, builder.activate(y, .leakyReLU(slope: 0.2)))
        let norm = try builder.groupNorm(joined, "norm", groups: 2)
        let pooled = builder.pool(builder.activate(norm, .relu), .maximum(window: 3, stride: 2, padding: 1))
        let wide = builder.resample(pooled, .nearestUp)
        let graph = builder.finish(builder.convolution(wide, "conv", channels: 9, kernel: 3, stride: 2))
        return try SelfTestCase("joined maps", graph, images: ["x": [2, 7, 5, 6], "y": [2, 3, 10, 12]])
    }

    /// Means, maxima and a resizing.
    private static func poolings() throws -> SelfTestCase {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 11)
        let resized = builder.resizeBilinear(x, toSizeOf: builder.image("y", channels: 1))
        let mean = builder.pool(resized, .average(window: 2, stride: 2))
        let graph = builder.finish(builder.pool(mean, .adaptiveAverage(side: 3)))
        return try SelfTestCase("poolings", graph, images: ["x": [2, 11, 5, 7], "y": [2, 1, 12, 14]])
    }

    /// Sums of maps that no convolution takes.
    private static func sums() throws -> SelfTestCase {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 5)
        let up = builder.transposedConvolution(x, "up", channels: 5)
        let y = builder.image("y", channels: 5)
        let joined = builder.concat(try builder.add(up, y), try builder.add(y, up))
        let graph = builder.finish(builder.scale(builder.resample(joined, .averageDown), by: "gain"))
        return try SelfTestCase("sums", graph, images: ["x": [2, 5, 4, 6], "y": [2, 5, 8, 12]])
    }

    /// What happens to timesteps, labels and means.
    private static func vectors() throws -> SelfTestCase {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 6)
        let time = try builder.timestepEmbedding("t", width: 32, isCosineFirst: true, frequencyShift: 0)
        let label = builder.classEmbedding("y", "label", classes: 4, width: 6)
        let linear = builder.linear(builder.silu(builder.linear(time, "first", channels: 24)), "second", channels: 6)
        let shifted = try builder.add(x, broadcasting: try builder.add(linear, label))
        let flat = builder.linear(builder.flatten(shifted, positions: 20), "flat", channels: 6)
        let sum = try builder.add(builder.globalAverage(shifted), builder.activate(flat, .sigmoid))
        return try SelfTestCase(
            "vectors", builder.finish(sum), images: ["x": [2, 6, 4, 5]],
            vectors: ["t": .timestep, "y": .classLabel(count: 4)])
    }

    /// A whole denoiser with skips, attention, classes and resampling.
    private static func network() throws -> SelfTestCase {
        let configuration = ADMConfiguration(
            imageChannels: 3, inputChannels: 3, outputChannels: 6, modelChannels: 32, levelChannels: [32, 64],
            residualBlocks: 1, attentionLevels: [1], heads: .channels(16), attentionOrder: .legacy,
            usesScaleShift: true, resampling: .residualBlock, classCount: 4, isSuperResolution: false)
        return try SelfTestCase(
            "a whole network", ArchitectureConfiguration.adm(configuration).graph, images: ["x": [2, 3, 16, 16]],
            vectors: ["t": .timestep, "y": .classLabel(count: 4)])
    }
}
