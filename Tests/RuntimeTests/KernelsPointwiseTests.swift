import CUD2MKernelCases
import CUD2MKernels
import Foundation
import Testing

@Suite("Kernels: pointwise, pooling, resizing, layout")
struct KernelsPointwiseTests {
    @Test("SiLU is accurate over the whole range and leaves NaN alone")
    func silu() throws {
        // Steps of 1/16 up to ±90, where e^x nears the ends of float32, and a count that is not a multiple of 16.
        let input = (-1440...1440).map { Float($0) / 16 } + [1e4, -1e4, 0, 1e-30]
        for isa in runnableTiers {
            let pool = try KernelPool(threads: 2, isa: isa)
            defer { keep(pool) }
            var output = [Float](repeating: .nan, count: input.count)
            ud2m_activate(pool.handle, input, &output, input.count, UD2M_ACTIVATION_SILU, 0)
            for (x, y) in zip(input, output) {
                let expected = UD2M_ACTIVATION_SILU(Double(x))
                #expect(abs(Double(y) - expected) <= 3e-7 * abs(expected) + 1e-30, "\(isaName(isa)) at \(x)")
            }
            var single: [Float] = [.nan]
            single.withUnsafeMutableBufferPointer {
                ud2m_activate(pool.handle, $0.baseAddress, $0.baseAddress, 1, UD2M_ACTIVATION_SILU, 0)
            }
            #expect(single[0].isNaN)
        }
    }

    @Test("sums may overwrite an operand", arguments: [1, 16, 100_003])
    func add(_ count: Int) throws {
        var random = KernelRandom(5)
        let (left, right) = (random.values(count), random.values(count))
        let expected = zip(left, right).map { $0 + $1 }
        for isa in runnableTiers {
            let pool = try KernelPool(threads: 3, isa: isa)
            defer { keep(pool) }
            var output = left
            output.withUnsafeMutableBufferPointer {
                ud2m_add(pool.handle, $0.baseAddress, right, $0.baseAddress, count)
            }
            #expect(output == expected)
        }
    }

    /// Pools by definition. `count_include_pad` is false.
    private func pooled(
        _ values: [Float], channels: Int, height: Int, width: Int, window: Int, stride: Int, padding: Int,
        maximum: Bool, map: (Int, Double) -> Double
    ) -> [Double] {
        let rows = (height + 2 * padding - window) / stride + 1
        let columns = (width + 2 * padding - window) / stride + 1
        var result: [Double] = []
        for channel in 0..<channels {
            for y in 0..<rows {
                for x in 0..<columns {
                    var inside: [Double] = []
                    for row in (y * stride - padding)..<(y * stride - padding + window)
                    where (0..<height).contains(row) {
                        for column in (x * stride - padding)..<(x * stride - padding + window)
                        where (0..<width).contains(column) {
                            let value = Double(values[(channel * height + row) * width + column])
                            inside.append(map(channel, value))
                        }
                    }
                    result.append(
                        maximum ? inside.max() ?? .nan : inside.reduce(0, +) / Double(inside.count))
                }
            }
        }
        return result
    }

    @Test(
        "every tier pools by definition",
        arguments: sharedCases(ud2m_pooling_cases)
            .filter { $0.use == UD2M_CASE_CHECKED && $0.kind != UD2M_POOLING_ADAPTIVE_AVERAGE && !$0.ceil_mode }
            .map { (Int($0.window), Int($0.stride), Int($0.padding), $0.kind) })
    func pooling(_ window: Int, _ stride: Int, _ padding: Int, _ kind: ud2m_pooling) throws {
        let (channels, height, width) = (21, 9, 12)
        var random = KernelRandom(9)
        let values = random.values(channels * height * width, gain: 4)
        let (scale, shift) = (random.values(channels, offset: 1), random.values(channels))
        let expected = pooled(
            values, channels: channels, height: height, width: width, window: window, stride: stride,
            padding: padding, maximum: kind == UD2M_POOLING_MAXIMUM
        ) { UD2M_ACTIVATION_SILU(Double(scale[$0]) * $1 + Double(shift[$0])) }
        let image = BlockImage(sources: [channels], height: height, width: width, values: values)
        defer { keep(image) }
        let slotScale = padded(scale, slots: image.slots, count: 32)
        let slotShift = padded(shift, slots: image.slots, count: 32)
        for isa in runnableTiers {
            let pool = try KernelPool(threads: 2, isa: isa)
            let output = BlockImage(
                sources: [channels], height: (height + 2 * padding - window) / stride + 1,
                width: (width + 2 * padding - window) / stride + 1)
            defer { keep(pool, output) }
            slotScale.withUnsafeBufferPointer { slotScale in
                slotShift.withUnsafeBufferPointer { slotShift in
                    var pooling = ud2m_pool2d()
                    pooling.input = image.planes
                    pooling.map.scale = slotScale.baseAddress
                    pooling.map.shift = slotShift.baseAddress
                    pooling.map.activation = UD2M_ACTIVATION_SILU
                    pooling.kind = kind
                    (pooling.window, pooling.stride) = (Int32(window), Int32(stride))
                    pooling.padding = Int32(padding)
                    pooling.output = UnsafePointer(output.blocks)
                    #expect(ud2m_pool2d_run(pool.handle, &pooling) == UD2M_STATUS_OK)
                    pooling.padding = pooling.window
                    #expect(ud2m_pool2d_run(pool.handle, &pooling) == UD2M_STATUS_INVALID)
                }
            }
            let error = normalisedError(output.planar, expected)
            #expect(error < UD2M_BOUND_POOLING, "\(isaName(isa)): \(error)")
            #expect(output.paddingIsZero)
        }
    }

    @Test("nearest enlargement repeats mapped pixels")
    func upsampling() throws {
        let (channels, height, width) = (19, 3, 5)
        var random = KernelRandom(3)
        let values = random.values(channels * height * width, gain: 4)
        let image = BlockImage(sources: [channels], height: height, width: width, values: values)
        defer { keep(image) }
        let expected = (0..<channels * 4 * height * width).map { i in
            let (channel, y, x) = (i / (4 * height * width), i / (2 * width) % (2 * height), i % (2 * width))
            return UD2M_ACTIVATION_RELU(Double(values[(channel * height + y / 2) * width + x / 2]))
        }
        for isa in runnableTiers {
            let pool = try KernelPool(threads: 2, isa: isa)
            let output = BlockImage(sources: [channels], height: 2 * height, width: 2 * width)
            defer { keep(pool, output) }
            var planes = image.planes
            var map = ud2m_input_map(scale: nil, shift: nil, activation: UD2M_ACTIVATION_RELU, slope: 0)
            #expect(
                ud2m_upsample_nearest2(pool.handle, &planes, &map, UnsafePointer(output.blocks)) == UD2M_STATUS_OK)
            #expect(output.planar.map(Double.init) == expected)
            #expect(output.paddingIsZero)
        }
    }

    @Test("bilinear resizing uses half-pixel centres and clamps at the border")
    func bilinear() {
        // 2 → 4: sample positions -0.25, 0.25, 0.75, 1.25.
        let input: [Float] = [0, 4, 8, 12]
        var enlarged = [Float](repeating: .nan, count: 16)
        #expect(ud2m_resize_bilinear(nil, input, 1, 2, 2, &enlarged, 4, 4) == UD2M_STATUS_OK)
        #expect(enlarged == [0, 1, 3, 4, 2, 3, 5, 6, 6, 7, 9, 10, 8, 9, 11, 12])
        // 4 → 2: positions 0.5 and 2.5, without antialiasing.
        var reduced = [Float](repeating: .nan, count: 2)
        #expect(ud2m_resize_bilinear(nil, input, 1, 1, 4, &reduced, 1, 2) == UD2M_STATUS_OK)
        #expect(reduced == [2, 10])
        #expect(ud2m_resize_bilinear(nil, input, 1, 0, 4, &reduced, 1, 2) == UD2M_STATUS_INVALID)
    }

    @Test("packing and unpacking are inverse", arguments: [1, 15, 16, 17, 40])
    func layout(_ channels: Int) throws {
        var random = KernelRandom(UInt64(channels))
        let values = random.values(channels * 3 * 7)
        let image = BlockImage(sources: [channels], height: 3, width: 7, values: values)
        defer { keep(image) }
        #expect(image.planar == values)
        #expect(image.paddingIsZero)
        var unpacked = [Float](repeating: .nan, count: values.count)
        let pool = try KernelPool(threads: 2)
        defer { keep(pool) }
        ud2m_unpack_planes(pool.handle, UnsafePointer(image.readOnlyBlocks), Int32(channels), 3, 7, &unpacked)
        #expect(unpacked == values)
    }

    @Test("vectors and weights are packed in a row order, absent rows zero")
    func rowOrder() {
        let order: [Int32] = [2, -1, 0]
        var vector = [Float](repeating: .nan, count: 16)
        ud2m_pack_vector([10, 20, 30] as [Float], UD2M_ELEMENT_F32, 3, order, &vector)
        #expect(vector == [30, 0, 10] + [Float](repeating: 0, count: 13))

        // Rows 0, 1, 2 of a 1×1 convolution with two input channels from two sources.
        let weights: [Float] = [1, 2, 3, 4, 5, 6]
        let sources: [Int32] = [1, 1]
        sources.withUnsafeBufferPointer { sources in
            var shape = ud2m_conv_weights(
                rows: 3, source_channels: sources.baseAddress, source_count: 2, kernel_height: 1, kernel_width: 1)
            #expect(ud2m_conv_weights_floats(&shape) == 512)
            var packed = [Float](repeating: .nan, count: 512)
            let status = ud2m_pack_conv_weights(nil, &shape, weights, UD2M_ELEMENT_F32, order, &packed)
            #expect(status == UD2M_STATUS_OK)
            var expected = [Float](repeating: 0, count: 512)
            (expected[0], expected[2]) = (5, 1)
            (expected[256], expected[258]) = (6, 2)
            #expect(packed == expected)
            shape.kernel_width = .max
            shape.rows = .max
            shape.kernel_height = .max
            #expect(ud2m_conv_weights_floats(&shape) == 0)
        }
    }
}
