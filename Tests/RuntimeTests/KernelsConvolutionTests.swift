import CUD2MKernelCases
import CUD2MKernels
import Testing

/// One convolution to check: sizes, options, and the inputs made from them.
struct ConvolutionCase: CustomTestStringConvertible {
    var sources: [Int]
    var outputs: Int
    var height: Int
    var width: Int
    var kernel = (3, 3)
    var stride = 1
    /// Top, left, bottom, right.
    var pads = (1, 1, 1, 1)
    var upsample = 1
    var mapped = false
    var inputActivation = UD2M_ACTIVATION_NONE
    var activation = UD2M_ACTIVATION_NONE
    var bias = true
    /// 0 for none, else how much the residual is enlarged.
    var residual = 0

    var testDescription: String {
        "\(sources)→\(outputs) \(height)×\(width) k\(kernel) s\(stride) p\(pads) up\(upsample)"
            + " map \(mapped) \(inputActivation.rawValue) act \(activation.rawValue) bias \(bias) residual \(residual)"
    }

    var outputHeight: Int { (height * upsample + pads.0 + pads.2 - kernel.0) / stride + 1 }
    var outputWidth: Int { (width * upsample + pads.1 + pads.3 - kernel.1) / stride + 1 }
    var residualHeight: Int { (outputHeight + max(residual, 1) - 1) / max(residual, 1) }
    var residualWidth: Int { (outputWidth + max(residual, 1) - 1) / max(residual, 1) }
}

extension ConvolutionCase {
    static let shared = cases(UD2M_CASE_CHECKED)

    /// Images of more than one block of tiles, and odd padding.
    static let winograd = cases(UD2M_CASE_TILES)

    /// The cases of the shared list that are for `use`.
    private static func cases(_ use: ud2m_case_use) -> [ConvolutionCase] {
        sharedCases(ud2m_conv_cases).filter { $0.use == use }.map(ConvolutionCase.init)
    }

    init(_ row: ud2m_conv_case) {
        sources = caseSources(row.sources)
        outputs = Int(row.outputs)
        height = Int(row.height)
        width = Int(row.width)
        kernel = (Int(row.kernel.0), Int(row.kernel.1))
        stride = Int(row.stride)
        pads = (Int(row.pads.0), Int(row.pads.1), Int(row.pads.2), Int(row.pads.3))
        upsample = Int(row.upsample)
        mapped = row.mapped
        inputActivation = row.input_activation
        activation = row.activation
        bias = row.bias
        residual = Int(row.residual)
    }
}

/// Inputs of a case and the result by definition.
struct ConvolutionProblem {
    let problem: ConvolutionCase
    let input: [Float]
    private(set) var weights: [Float]
    let bias: [Float]
    let scale: [Float]
    let shift: [Float]
    let residual: [Float]

    init(_ problem: ConvolutionCase) {
        self.problem = problem
        var random = KernelRandom(UInt64(problem.outputs * 1000 + problem.width))
        let channels = problem.sources.reduce(0, +)
        input = random.values(channels * problem.height * problem.width, gain: 2)
        weights = random.values(problem.outputs * channels * problem.kernel.0 * problem.kernel.1)
        bias = random.values(problem.outputs)
        scale = random.values(channels, offset: 1)
        // Far from zero, so that padding with map(0) instead of 0 is seen.
        shift = random.values(channels, offset: 0.7)
        residual = random.values(problem.outputs * problem.residualHeight * problem.residualWidth)
    }

    private func mappedInput() -> [Double] {
        let pixels = problem.height * problem.width
        return input.indices.map { i in
            let channel = i / pixels
            let x = Double(input[i])
            return problem.inputActivation(problem.mapped ? Double(scale[channel]) * x + Double(shift[channel]) : x)
        }
    }

    func expected() -> [Double] {
        let p = problem
        let channels = p.sources.reduce(0, +)
        let values = mappedInput()
        var result: [Double] = []
        for output in 0..<p.outputs {
            for y in 0..<p.outputHeight {
                for x in 0..<p.outputWidth {
                    var sum = p.bias ? Double(bias[output]) : 0
                    for channel in 0..<channels {
                        for ky in 0..<p.kernel.0 {
                            for kx in 0..<p.kernel.1 {
                                let row = y * p.stride - p.pads.0 + ky
                                let column = x * p.stride - p.pads.1 + kx
                                guard row >= 0, column >= 0, row < p.height * p.upsample,
                                    column < p.width * p.upsample
                                else { continue }
                                let source = row / p.upsample * p.width + column / p.upsample
                                let weight = ((output * channels + channel) * p.kernel.0 + ky) * p.kernel.1 + kx
                                sum += Double(weights[weight]) * values[channel * p.height * p.width + source]
                            }
                        }
                    }
                    sum = p.activation(sum)
                    if p.residual > 0 {
                        let row = output * p.residualHeight + y / p.residual
                        sum += Double(residual[row * p.residualWidth + x / p.residual])
                    }
                    result.append(sum)
                }
            }
        }
        return result
    }

    /// Runs the kernel; checks sizes, padding lanes and the bounds of the workspace on the way. `stored` is the type of a
    /// kernel that is read where it is stored; nil packs it.
    func run(
        _ pool: KernelPool, algorithm: ud2m_conv_algorithm = UD2M_CONV_DIRECT, stored: ud2m_element? = nil
    ) throws -> [Float] {
        defer { keep(pool) }
        let p = problem
        let image = BlockImage(sources: p.sources, height: p.height, width: p.width, values: input)
        let output = BlockImage(sources: [p.outputs], height: p.outputHeight, width: p.outputWidth)
        let residualImage = BlockImage(
            sources: [p.outputs], height: p.residualHeight, width: p.residualWidth, values: residual)
        defer { keep(image, output, residualImage) }
        let packed = try packedWeights(pool)
        let kernel = stored.map { kernelBytes($0) } ?? []
        let sources = p.sources.map(Int32.init)
        let slotBias = padded(bias, slots: output.slots, count: output.blockCount * 16)
        let slotScale = padded(scale, slots: image.slots, count: image.blockCount * 16)
        let slotShift = padded(shift, slots: image.slots, count: image.blockCount * 16)

        try packed.withUnsafeBufferPointer { packed in
            try slotBias.withUnsafeBufferPointer { slotBias in
                try slotScale.withUnsafeBufferPointer { slotScale in
                    try slotShift.withUnsafeBufferPointer { slotShift in
                        var conv = ud2m_conv2d()
                        conv.images = 1
                        conv.input = image.planes
                        if p.mapped {
                            conv.map.scale = slotScale.baseAddress
                            conv.map.shift = slotShift.baseAddress
                        }
                        conv.map.activation = p.inputActivation
                        conv.upsample = Int32(p.upsample)
                        conv.kernel_height = Int32(p.kernel.0)
                        conv.kernel_width = Int32(p.kernel.1)
                        conv.stride = Int32(p.stride)
                        conv.pad_top = Int32(p.pads.0)
                        conv.pad_left = Int32(p.pads.1)
                        conv.pad_bottom = Int32(p.pads.2)
                        conv.pad_right = Int32(p.pads.3)
                        conv.weights = stored == nil ? packed.baseAddress : nil
                        conv.bias = p.bias ? slotBias.baseAddress : nil
                        conv.activation = p.activation
                        if p.residual > 0 {
                            conv.residual = UnsafePointer(residualImage.readOnlyBlocks)
                            conv.residual_upsample = Int32(p.residual)
                        }
                        conv.output = UnsafePointer(output.blocks)
                        conv.output_blocks = Int32(output.blockCount)
                        conv.algorithm = algorithm

                        var height: Int32 = 0
                        var width: Int32 = 0
                        #expect(ud2m_conv2d_output_size(&conv, &height, &width) == UD2M_STATUS_OK)
                        #expect(Int(height) == p.outputHeight && Int(width) == p.outputWidth)
                        let workspace = Workspace(ud2m_conv2d_workspace(&conv, ud2m_pool_threads(pool.handle)))
                        defer { keep(workspace) }
                        try kernel.withUnsafeBytes { kernel in
                            try sources.withUnsafeBufferPointer { sources in
                                if let stored {
                                    // One byte off any alignment.
                                    conv.stored = ud2m_stored_kernel(
                                        data: kernel.baseAddress.map { $0 + 1 }, element: stored,
                                        rows: Int32(p.outputs), source_channels: sources.baseAddress,
                                        source_count: Int32(sources.count))
                                }
                                try #require(ud2m_conv2d_run(pool.handle, &conv, workspace.memory) == UD2M_STATUS_OK)
                            }
                        }
                        #expect(workspace.canaryIsIntact)
                    }
                }
            }
        }
        #expect(output.paddingIsZero)
        return output.planar
    }

    /// The weights as a file holds them, after one byte; halves are cut off, not rounded.
    private func kernelBytes(_ element: ud2m_element) -> [UInt8] {
        [0]
            + weights.flatMap { weight -> [UInt8] in
                switch element {
                case UD2M_ELEMENT_F32: withUnsafeBytes(of: weight.bitPattern.littleEndian, Array.init)
                case UD2M_ELEMENT_BF16:
                    withUnsafeBytes(of: UInt16(weight.bitPattern >> 16).littleEndian, Array.init)
                default: withUnsafeBytes(of: Self.half(weight).littleEndian, Array.init)
                }
            }
    }

    /// The bits of a half, cut off; smaller numbers than halves have become zero.
    private static func half(_ value: Float) -> UInt16 {
        let exponent = Int(value.exponentBitPattern) - 127 + 15
        let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
        return exponent <= 0 ? sign : sign | UInt16(exponent) << 10 | UInt16(value.significandBitPattern >> 13)
    }

    /// The problem with the weights that a file of halves would hold.
    func rounded(to element: ud2m_element) -> ConvolutionProblem {
        var copy = self
        copy.weights = weights.map { weight in
            switch element {
            case UD2M_ELEMENT_F32: return weight
            case UD2M_ELEMENT_BF16: return Float(bitPattern: weight.bitPattern & 0xFFFF_0000)
            default:
                guard Int(weight.exponentBitPattern) > 127 - 15 else { return 0 }
                return Float(bitPattern: weight.bitPattern & 0xFFFF_E000)
            }
        }
        return copy
    }

    private func packedWeights(_ pool: KernelPool) throws -> [Float] {
        defer { keep(pool) }
        let sources = problem.sources.map(Int32.init)
        return try sources.withUnsafeBufferPointer { sources in
            var shape = ud2m_conv_weights(
                rows: Int32(problem.outputs), source_channels: sources.baseAddress,
                source_count: Int32(sources.count), kernel_height: Int32(problem.kernel.0),
                kernel_width: Int32(problem.kernel.1))
            var packed = [Float](repeating: .nan, count: ud2m_conv_weights_floats(&shape))
            let status = ud2m_pack_conv_weights(pool.handle, &shape, weights, UD2M_ELEMENT_F32, nil, &packed)
            try #require(status == UD2M_STATUS_OK)
            return packed
        }
    }
}

/// Per-channel values in slot order.
func padded(_ values: [Float], slots: [Int], count: Int) -> [Float] {
    var result = [Float](repeating: 0, count: count)
    for (value, slot) in zip(values, slots) {
        result[slot] = value
    }
    return result
}

@Suite("Kernels: convolution")
struct KernelsConvolutionTests {
    @Test("every tier computes the definition", arguments: ConvolutionCase.shared)
    func matchesDefinition(_ problem: ConvolutionCase) throws {
        let convolution = ConvolutionProblem(problem)
        let expected = convolution.expected()
        for isa in runnableTiers {
            let actual = try convolution.run(KernelPool(threads: 2, isa: isa))
            let error = normalisedError(actual, expected)
            #expect(error < (isa == UD2M_ISA_REFERENCE ? 1e-7 : UD2M_BOUND_CONV_DIRECT), "\(isaName(isa)): \(error)")
        }
    }

    @Test("results do not depend on the number of threads", arguments: ConvolutionCase.shared)
    func threadsDoNotMatter(_ problem: ConvolutionCase) throws {
        let convolution = ConvolutionProblem(problem)
        for isa in runnableTiers {
            let alone = try convolution.run(KernelPool(threads: 1, isa: isa))
            #expect(try convolution.run(KernelPool(threads: 2, isa: isa)) == alone)
            #expect(try convolution.run(KernelPool(threads: 3, isa: isa)) == alone)
        }
    }

    @Test(
        "Winograd convolution computes the definition, for any number of threads",
        arguments: ConvolutionCase.shared.filter { $0.kernel == (3, 3) && $0.stride == 1 } + ConvolutionCase.winograd,
        [UD2M_CONV_WINOGRAD2, UD2M_CONV_WINOGRAD4])
    func winograd(_ problem: ConvolutionCase, _ algorithm: ud2m_conv_algorithm) throws {
        let convolution = ConvolutionProblem(problem)
        let expected = convolution.expected()
        for isa in runnableTiers where isa != UD2M_ISA_REFERENCE {
            let alone = try convolution.run(KernelPool(threads: 1, isa: isa), algorithm: algorithm)
            let error = normalisedError(alone, expected)
            let bound = algorithm == UD2M_CONV_WINOGRAD2 ? UD2M_BOUND_CONV_WINOGRAD2 : UD2M_BOUND_CONV_WINOGRAD4
            #expect(error < bound, "\(isaName(isa)): \(error)")
            for threads in 2...3 {
                let pool = try KernelPool(threads: threads, isa: isa)
                defer { keep(pool) }
                #expect(try convolution.run(pool, algorithm: algorithm) == alone)
            }
        }
    }

    @Test(
        "kernels read where they are stored give what packed ones give, to the bit",
        arguments: ConvolutionCase.shared.filter { $0.kernel == (3, 3) && $0.stride == 1 } + ConvolutionCase.winograd,
        [UD2M_ELEMENT_F32, UD2M_ELEMENT_F16, UD2M_ELEMENT_BF16])
    func storedKernels(_ problem: ConvolutionCase, _ element: ud2m_element) throws {
        let convolution = ConvolutionProblem(problem).rounded(to: element)
        for isa in runnableTiers {
            for algorithm in [UD2M_CONV_WINOGRAD2, UD2M_CONV_WINOGRAD4] {
                let packed = try convolution.run(KernelPool(threads: 2, isa: isa), algorithm: algorithm)
                let stored = try convolution.run(
                    KernelPool(threads: 2, isa: isa), algorithm: algorithm, stored: element)
                #expect(stored == packed, "\(isaName(isa))")
            }
        }
    }

    @Test("impossible sizes are refused")
    func refusesImpossibleSizes() {
        let image = BlockImage(sources: [16], height: 2, width: 2, values: [Float](repeating: 0, count: 64))
        defer { keep(image) }
        var valid = ud2m_conv2d()
        valid.images = 1
        valid.input = image.planes
        valid.upsample = 1
        valid.kernel_height = 3
        valid.kernel_width = 3
        valid.stride = 1
        valid.pad_top = 1
        valid.pad_left = 1
        valid.pad_bottom = 1
        valid.pad_right = 1
        valid.output_blocks = 1
        #expect(ud2m_conv2d_supports(&valid))
        let changes: [(inout ud2m_conv2d) -> Void] = [
            { $0.kernel_height = 5 }, { $0.kernel_width = 0 }, { $0.stride = 0 }, { $0.pad_left = -1 },
            { $0.images = 0 }, { $0.images = .max }, { $0.upsample = 3 }, { $0.output_blocks = 0 },
            { $0.input.block_count = 0 }, { $0.input.height = -4 },
            { $0.kernel_height = .max }, { $0.pad_bottom = .max }, { $0.input.width = .max },
            { $0.input.block_count = .max },
            {
                $0.algorithm = UD2M_CONV_WINOGRAD4
                $0.stride = 2
            },
            {
                $0.algorithm = UD2M_CONV_WINOGRAD2
                $0.kernel_width = 1
            }, { $0.algorithm = ud2m_conv_algorithm(rawValue: 9) },
            // More bytes than 63 bits count.
            {
                ($0.input.height, $0.input.width) = (1 << 24, 1 << 24)
                ($0.output_blocks, $0.images) = (1 << 20, 1 << 12)
            },
        ]
        for change in changes {
            var conv = valid
            change(&conv)
            #expect(!ud2m_conv2d_supports(&conv))
            #expect(ud2m_conv2d_run(nil, &conv, nil) == UD2M_STATUS_INVALID)
        }
    }
}
