import CUD2MKernels
import Foundation
import Testing

@Suite("Kernels: activations, windows, averages, interleaving")
struct KernelsReductionTests {
    @Test("activations follow their definitions on vectors, maps and convolutions' sums")
    func activations() throws {
        let input = (-320...320).map { Float($0) / 8 }
        let slope: Float = 0.2
        let definitions: [(ud2m_activation, (Double) -> Double)] = [
            (UD2M_ACTIVATION_NONE, { $0 }),
            (UD2M_ACTIVATION_RELU, { max($0, 0) }),
            (UD2M_ACTIVATION_LEAKY_RELU, { $0 > 0 ? $0 : Double(slope) * $0 }),
            (UD2M_ACTIVATION_SIGMOID, { 1 / (1 + exp(-$0)) }),
        ]
        for isa in runnableTiers {
            let pool = try KernelPool(threads: 2, isa: isa)
            defer { keep(pool) }
            for (activation, definition) in definitions {
                var output = [Float](repeating: .nan, count: input.count)
                ud2m_activate(pool.handle, input, &output, input.count, activation, slope)
                let image = BlockImage(sources: [1], height: 1, width: input.count, values: input)
                let mapped = BlockImage(sources: [1], height: 1, width: input.count)
                defer { keep(image, mapped) }
                var planes = image.planes
                var map = ud2m_input_map(scale: nil, shift: nil, activation: activation, slope: slope)
                #expect(
                    ud2m_map_planes(pool.handle, &planes, &map, UnsafePointer(mapped.blocks)) == UD2M_STATUS_OK)
                for (x, (y, z)) in zip(input, zip(output, mapped.planar)) {
                    let expected = definition(Double(x))
                    let bound = 3e-7 * abs(expected) + 1e-30
                    #expect(abs(Double(y) - expected) <= bound, "\(isaName(isa)) \(activation) at \(x)")
                    #expect(abs(Double(z) - expected) <= bound, "\(isaName(isa)) \(activation) at \(x)")
                }
            }
        }
    }

    @Test("a convolution's output passes a leaky ReLU", arguments: [UD2M_CONV_DIRECT, UD2M_CONV_WINOGRAD4])
    func leakyConvolution(_ algorithm: ud2m_conv_algorithm) throws {
        var random = KernelRandom(8)
        let image = BlockImage(sources: [16], height: 9, width: 9, values: random.values(16 * 81))
        defer { keep(image) }
        let weights = random.values(9 * 256)
        func run(_ activation: ud2m_activation, _ isa: ud2m_isa) throws -> [Float] {
            let pool = try KernelPool(threads: 2, isa: isa)
            let output = BlockImage(sources: [16], height: 9, width: 9)
            defer { keep(pool, output) }
            var conv = ud2m_conv2d()
            conv.images = 1
            conv.input = image.planes
            (conv.upsample, conv.stride, conv.kernel_height, conv.kernel_width) = (1, 1, 3, 3)
            (conv.pad_top, conv.pad_left, conv.pad_bottom, conv.pad_right) = (1, 1, 1, 1)
            (conv.activation, conv.slope) = (activation, 0.25)
            (conv.output, conv.output_blocks) = (UnsafePointer(output.blocks), 1)
            conv.algorithm = algorithm
            let workspace = Workspace(ud2m_conv2d_workspace(&conv, 2))
            defer { keep(workspace) }
            try weights.withUnsafeBufferPointer {
                conv.weights = $0.baseAddress
                try #require(ud2m_conv2d_run(pool.handle, &conv, workspace.memory) == UD2M_STATUS_OK)
            }
            #expect(workspace.canaryIsIntact)
            return output.planar
        }
        for isa in runnableTiers {
            let plain = try run(UD2M_ACTIVATION_NONE, isa)
            let leaky = try run(UD2M_ACTIVATION_LEAKY_RELU, isa)
            #expect(leaky == plain.map { $0 > 0 ? $0 : 0.25 * $0 })
        }
    }

    /// Output sizes as PyTorch gives them for ceil_mode true and false.
    @Test(
        "output sizes round down or up",
        arguments: [
            (9, 3, 2, 0, 4, 4), (10, 3, 2, 0, 4, 5), (2, 3, 2, 0, 0, 1), (1, 3, 2, 0, 0, 0), (5, 2, 2, 1, 3, 3),
            (6, 2, 2, 1, 4, 4), (7, 3, 3, 1, 3, 3), (8, 3, 3, 1, 3, 3), (9, 3, 3, 1, 3, 4),
        ])
    func outputSizes(_ size: Int, _ window: Int, _ stride: Int, _ padding: Int, _ floor: Int, _ ceiling: Int) {
        var pooling = ud2m_pool2d()
        pooling.input = ud2m_planes(blocks: nil, block_count: 1, height: Int32(size), width: 40)
        (pooling.window, pooling.stride, pooling.padding) = (Int32(window), Int32(stride), Int32(padding))
        for (isCeiling, expected) in [(false, floor), (true, ceiling)] {
            pooling.ceil_mode = isCeiling
            var (height, width): (Int32, Int32) = (-1, -1)
            let status = ud2m_pool2d_output_size(&pooling, &height, &width)
            #expect((status == UD2M_STATUS_OK) == (expected > 0))
            #expect(expected == 0 || height == Int32(expected))
        }
    }

    /// Pools one plane of the values 0, 1, 2, … and zero-padded channels beside it.
    private func pool(
        _ pooling: ud2m_pool2d, height: Int, width: Int, to rows: Int, _ columns: Int, _ isa: ud2m_isa
    ) throws -> [Float] {
        let pool = try KernelPool(threads: 2, isa: isa)
        let image = BlockImage(
            sources: [1], height: height, width: width, values: (0..<height * width).map { Float($0) })
        let output = BlockImage(sources: [1], height: rows, width: columns)
        defer { keep(pool, image, output) }
        var pooling = pooling
        pooling.input = image.planes
        pooling.output = UnsafePointer(output.blocks)
        try #require(ud2m_pool2d_run(pool.handle, &pooling) == UD2M_STATUS_OK)
        #expect(output.paddingIsZero)
        return output.planar
    }

    @Test("a last window reaches beyond the image")
    func ceiling() throws {
        var pooling = ud2m_pool2d()
        (pooling.kind, pooling.window, pooling.stride) = (UD2M_POOLING_MAXIMUM, 3, 2)
        pooling.ceil_mode = true
        for isa in runnableTiers {
            #expect(try pool(pooling, height: 4, width: 6, to: 2, 3, isa) == [14, 16, 17, 20, 22, 23])
            // An image smaller than the window.
            #expect(try pool(pooling, height: 2, width: 2, to: 1, 1, isa) == [3])
        }
    }

    @Test("adaptive averages divide the image into rows and columns")
    func adaptive() throws {
        var pooling = ud2m_pool2d()
        pooling.kind = UD2M_POOLING_ADAPTIVE_AVERAGE
        (pooling.adaptive_height, pooling.adaptive_width) = (2, 3)
        for isa in runnableTiers {
            // Rows 0…1 and 1…2 of three, columns 0…1, 1…2 and 2…3 of four.
            #expect(try pool(pooling, height: 3, width: 4, to: 2, 3, isa) == [2.5, 3.5, 4.5, 6.5, 7.5, 8.5])
            // Fewer pixels than windows repeat.
            #expect(try pool(pooling, height: 1, width: 2, to: 2, 3, isa) == [0, 0.5, 1, 0, 0.5, 1])
        }
    }

    @Test("global averages skip padding lanes and keep float32 accuracy far from zero")
    func globalAverage() throws {
        let sources = [3, 18]
        var random = KernelRandom(4)
        let values = random.values(21 * 70 * 70, gain: 1, offset: 100)
        let image = BlockImage(sources: sources, height: 70, width: 70, values: values)
        defer { keep(image) }
        let expected = (0..<21).map { channel in
            values[channel * 4900..<(channel + 1) * 4900].reduce(0) { $0 + Double($1) } / 4900
        }
        let channels = sources.map { Int32($0) }
        for isa in runnableTiers {
            let pool = try KernelPool(threads: 3, isa: isa)
            let workspace = Workspace(ud2m_group_norm_workspace(Int32(image.blockCount), 70, 70))
            defer { keep(pool, workspace) }
            var planes = image.planes
            var output = [Float](repeating: .nan, count: 22)
            #expect(
                ud2m_global_average(pool.handle, &planes, channels, 2, &output, workspace.memory)
                    == UD2M_STATUS_OK)
            #expect(normalisedError(Array(output.prefix(21)), expected) < 1e-7)
            #expect(output[21].isNaN)
            #expect(workspace.canaryIsIntact)
            #expect(
                ud2m_global_average(pool.handle, &planes, channels, 1, &output, workspace.memory)
                    == UD2M_STATUS_INVALID)
        }
    }

    @Test("four images are interleaved into one")
    func interleaving() throws {
        let (height, width) = (3, 2)
        var random = KernelRandom(6)
        // Four images of 20 channels each, so two blocks each.
        let values = random.values(80 * height * width)
        let image = BlockImage(sources: [20, 20, 20, 20], height: height, width: width, values: values)
        let output = BlockImage(sources: [20], height: 2 * height, width: 2 * width)
        let pool = try KernelPool(threads: 2)
        defer { keep(image, output, pool) }
        var planes = image.planes
        #expect(ud2m_interleave2(pool.handle, &planes, UnsafePointer(output.blocks)) == UD2M_STATUS_OK)
        #expect(output.paddingIsZero)
        let expected = (0..<20 * 4 * height * width).map { index in
            let (channel, y, x) = (
                index / (4 * height * width), index / (2 * width) % (2 * height), index % (2 * width)
            )
            let phase = y % 2 * 2 + x % 2
            return values[((phase * 20 + channel) * height + y / 2) * width + x / 2]
        }
        #expect(output.planar == expected)
        planes.block_count = 6
        #expect(ud2m_interleave2(pool.handle, &planes, UnsafePointer(output.blocks)) == UD2M_STATUS_INVALID)
    }
}
