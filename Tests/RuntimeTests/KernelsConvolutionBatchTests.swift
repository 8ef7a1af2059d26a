import CUD2MKernels
import Testing

/// Several images that share the weights of a convolution, and the moments it leaves.
@Suite("Kernels: convolution of several images")
struct KernelsConvolutionBatchTests {
    /// A convolution of images that lie at equal distances, with everything an image can have of its own.
    private final class Images {
        let problem: ConvolutionCase
        let count: Int
        /// Floats from one image to the next.
        let stride: Int
        private let memory: UnsafeMutablePointer<Float>
        private let inputBlocks: Int
        private let outputBlocks: Int
        private var inputs: [UnsafePointer<Float>?] = []
        private var residuals: [UnsafePointer<Float>?] = []
        private var outputs: [UnsafeMutablePointer<Float>?] = []

        init(_ problem: ConvolutionCase, count: Int) {
            self.problem = problem
            self.count = count
            inputBlocks = problem.sources.reduce(0) { $0 + ($1 + 15) / 16 }
            outputBlocks = (problem.outputs + 15) / 16
            // Maps and bias, input, residual, output, moments (two doubles a slot), one after the other.
            let sizes = [
                32 * inputBlocks + 16 * outputBlocks, inputBlocks * problem.height * problem.width * 16,
                outputBlocks * problem.residualHeight * problem.residualWidth * 16,
                outputBlocks * problem.outputHeight * problem.outputWidth * 16, 64 * outputBlocks,
            ]
            stride = sizes.reduce(0, +)
            var random = KernelRandom(UInt64(problem.width))
            let values = random.values(stride * count)
            memory = .allocate(capacity: values.count)
            memory.initialize(from: values, count: values.count)
            for block in 0..<inputBlocks {
                inputs.append(UnsafePointer(memory + sizes[0] + block * problem.height * problem.width * 16))
            }
            let residual = memory + sizes[0] + sizes[1]
            for block in 0..<outputBlocks {
                residuals.append(
                    UnsafePointer(residual + block * problem.residualHeight * problem.residualWidth * 16))
                outputs.append(residual + sizes[2] + block * problem.outputHeight * problem.outputWidth * 16)
            }
            moments = UnsafeMutableRawPointer(residual + sizes[2] + sizes[3]).assumingMemoryBound(to: Double.self)
        }

        private let moments: UnsafeMutablePointer<Double>

        deinit { memory.deallocate() }

        /// Convolves images `first..<first + images`.
        func run(
            _ pool: KernelPool, _ weights: [Float], _ algorithm: ud2m_conv_algorithm, first: Int, images: Int
        ) throws {
            let offset = first * stride
            let inputs = self.inputs.map { $0.map { $0 + offset } }
            let residuals = self.residuals.map { $0.map { $0 + offset } }
            let outputs = self.outputs.map { $0.map { $0 + offset } }
            let p = problem
            var conv = ud2m_conv2d()
            conv.images = Int32(images)
            (conv.image_stride, conv.bias_stride) = (stride, stride)
            conv.input = ud2m_planes(
                blocks: nil, block_count: Int32(inputBlocks), height: Int32(p.height), width: Int32(p.width))
            conv.map.scale = UnsafePointer(memory + offset)
            conv.map.shift = UnsafePointer(memory + offset + 16 * inputBlocks)
            conv.map.activation = p.inputActivation
            conv.bias = UnsafePointer(memory + offset + 32 * inputBlocks)
            if !p.mapped { (conv.map.scale, conv.map.shift) = (nil, nil) }
            (conv.upsample, conv.stride) = (Int32(p.upsample), Int32(p.stride))
            (conv.kernel_height, conv.kernel_width) = (Int32(p.kernel.0), Int32(p.kernel.1))
            (conv.pad_top, conv.pad_left) = (Int32(p.pads.0), Int32(p.pads.1))
            (conv.pad_bottom, conv.pad_right) = (Int32(p.pads.2), Int32(p.pads.3))
            conv.activation = p.activation
            conv.output_blocks = Int32(outputBlocks)
            conv.moments = moments + offset / 2
            conv.algorithm = algorithm
            try inputs.withUnsafeBufferPointer { inputs in
                try residuals.withUnsafeBufferPointer { residuals in
                    try outputs.withUnsafeBufferPointer { outputs in
                        try weights.withUnsafeBufferPointer { weights in
                            conv.input.blocks = inputs.baseAddress
                            conv.output = outputs.baseAddress
                            conv.weights = weights.baseAddress
                            if p.residual > 0 {
                                conv.residual = residuals.baseAddress
                                conv.residual_upsample = Int32(p.residual)
                            }
                            let workspace = Workspace(ud2m_conv2d_workspace(&conv, ud2m_pool_threads(pool.handle)))
                            defer { keep(workspace) }
                            try #require(ud2m_conv2d_run(pool.handle, &conv, workspace.memory) == UD2M_STATUS_OK)
                            #expect(workspace.canaryIsIntact)
                        }
                    }
                }
            }
            keep(pool)
        }

        /// The bits of everything from the output of an image on: pixels and moments.
        func results(_ image: Int) -> [UInt32] {
            let start = (outputs[0] ?? memory) + image * stride
            let pixels = problem.outputHeight * problem.outputWidth * 16
            let values = UnsafeBufferPointer(start: start, count: outputBlocks * (pixels + 64))
            return values.map(\.bitPattern)
        }

        /// The largest difference of a moment from the sum over the output, relative to the sum of magnitudes.
        func momentError(_ image: Int) -> Double {
            let pixels = problem.outputHeight * problem.outputWidth
            var worst = 0.0
            for slot in 0..<outputBlocks * 16 {
                guard let block = outputs[slot / 16] else { return .infinity }
                let values = (0..<pixels).map { Double(block[image * stride + $0 * 16 + slot % 16]) }
                let sums = [values.reduce(0, +), values.reduce(0) { $0 + $1 * $1 }]
                let scales = [values.reduce(0) { $0 + abs($1) }, sums[1]]
                for part in 0..<2 {
                    let found = moments[image * stride / 2 + 2 * slot + part]
                    worst = max(worst, abs(found - sums[part]) / max(scales[part], 1e-30))
                }
            }
            return worst
        }
    }

    /// Tile blocks, small images, strides, images in place, wide ones, and enlargements.
    static let cases: [ConvolutionCase] = [
        ConvolutionCase(sources: [20], outputs: 40, height: 37, width: 70, mapped: true, residual: 1),
        ConvolutionCase(sources: [16, 5], outputs: 48, height: 3, width: 300),
        ConvolutionCase(
            sources: [48], outputs: 32, height: 8, width: 8, mapped: true, inputActivation: UD2M_ACTIVATION_SILU),
        ConvolutionCase(sources: [16], outputs: 33, height: 5, width: 7, activation: UD2M_ACTIVATION_RELU),
        ConvolutionCase(sources: [16], outputs: 16, height: 1, width: 1),
        ConvolutionCase(
            sources: [16], outputs: 16, height: 20, width: 21, upsample: 2, mapped: true,
            inputActivation: UD2M_ACTIVATION_SILU, residual: 2),
        ConvolutionCase(sources: [17], outputs: 20, height: 30, width: 21, stride: 2, pads: (0, 0, 1, 1)),
        ConvolutionCase(
            sources: [40], outputs: 24, height: 25, width: 31, kernel: (1, 1), pads: (0, 0, 0, 0), residual: 1),
        ConvolutionCase(sources: [9], outputs: 80, height: 12, width: 8, kernel: (5, 5), pads: (2, 2, 2, 2)),
    ]

    private func algorithms(_ problem: ConvolutionCase) -> [ud2m_conv_algorithm] {
        problem.kernel == (3, 3) && problem.stride == 1
            ? [UD2M_CONV_DIRECT, UD2M_CONV_WINOGRAD2, UD2M_CONV_WINOGRAD4] : [UD2M_CONV_DIRECT]
    }

    private func weights(_ problem: ConvolutionCase) -> [Float] {
        var random = KernelRandom(UInt64(problem.outputs))
        let blocks = problem.sources.reduce(0) { $0 + ($1 + 15) / 16 } * ((problem.outputs + 15) / 16)
        return random.values(blocks * 256 * problem.kernel.0 * problem.kernel.1)
    }

    @Test("images together give what each gives alone, to the bit, moments included", arguments: cases)
    func togetherAsAlone(_ problem: ConvolutionCase) throws {
        let weights = weights(problem)
        for isa in runnableTiers {
            for algorithm in algorithms(problem) {
                // More than are multiplied together, and a rest.
                let together = Images(problem, count: 11)
                let alone = Images(problem, count: 11)
                defer { keep(together, alone) }
                try together.run(KernelPool(threads: 3, isa: isa), weights, algorithm, first: 0, images: 11)
                for image in 0..<11 {
                    try alone.run(KernelPool(threads: 1, isa: isa), weights, algorithm, first: image, images: 1)
                    #expect(together.results(image) == alone.results(image), "\(isaName(isa)) image \(image)")
                }
            }
        }
    }

    /// Runs of 64 pixels are summed in float32 about their own mean, so an error is a few units of its last place.
    @Test("moments are the sums over the output", arguments: cases)
    func momentsAreSums(_ problem: ConvolutionCase) throws {
        let weights = weights(problem)
        for isa in runnableTiers {
            for algorithm in algorithms(problem) {
                let images = Images(problem, count: 2)
                defer { keep(images) }
                try images.run(KernelPool(threads: 2, isa: isa), weights, algorithm, first: 0, images: 2)
                for image in 0..<2 {
                    let error = images.momentError(image)
                    #expect(error < (isa == UD2M_ISA_REFERENCE ? 1e-12 : 1e-6), "\(isaName(isa)): \(error)")
                }
            }
        }
    }

    @Test("halves are rounded to nearest, ties to even")
    func roundsToHalves() throws {
        let pool = try KernelPool(threads: 2)
        defer { keep(pool) }
        // 1 + 2^-11 is a tie; 2^-24 is the smallest subnormal, half of it a tie that goes to zero.
        let cases: [(Float, UInt16)] = [
            (0, 0), (-0.0, 0x8000), (1, 0x3C00), (-2, 0xC000), (1 + 0x1p-11, 0x3C00), (1 + 3 * 0x1p-11, 0x3C02),
            (65504, 0x7BFF), (65519.99, 0x7BFF), (65520, 0x7C00), (-1e30, 0xFC00), (.infinity, 0x7C00),
            (0x1p-24, 1), (0x1p-25, 0), (0x1.8p-25, 1), (0x1p-14, 0x0400), (0x1.ff8p-15, 0x03FF), (0x1.fffp-15, 0x0400),
        ]
        var halves = [UInt16](repeating: 0xAAAA, count: cases.count + 1)
        let floats = cases.map(\.0) + [.nan]
        #expect(ud2m_round_to_f16(pool.handle, floats, floats.count, &halves) == 1e30)
        for ((float, half), found) in zip(cases, halves) { #expect(found == half, "\(float)") }
        #expect(halves[cases.count] & 0x7C00 == 0x7C00 && halves[cases.count] & 0x3FF != 0)
    }

    @Test("rounding tells the largest finite magnitude, wherever it is")
    func largestMagnitude() throws {
        let pool = try KernelPool(threads: 3)
        defer { keep(pool) }
        // Several items of work.
        var floats = [Float](repeating: 0.5, count: 200_001)
        var halves = [UInt16](repeating: 0, count: floats.count)
        for (index, value) in [(0, Float(-3)), (131_072, -9), (200_000, 12)] {
            floats[index] = value
            floats[index / 2 + 1] = .infinity
            #expect(ud2m_round_to_f16(pool.handle, floats, floats.count, &halves) == abs(value))
        }
        #expect(ud2m_round_to_f16(pool.handle, [Float.nan, -Float.infinity], 2, &halves) == 0)
    }
}
