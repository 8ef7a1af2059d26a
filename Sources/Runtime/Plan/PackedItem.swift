import CUD2MKernels
import UD2MFormats

/// One weight and its layout in the buffer of ``PackedWeights``.
struct PackedItem {
    enum Layout {
        /// As in the store.
        case plain(Int)
        /// A value a channel, padded to whole blocks.
        case slots(Int)
        /// The kernel of a convolution whose input has the given runs of channels.
        case kernel(Convolution, [Int])
        /// The bias that a convolution has once a normalisation is folded into it.
        case foldedBias(Convolution, BatchNorm)
    }

    let name: String
    let layout: Layout

    /// What to pack for a node whose operand has the given runs of channels.
    static func items(of operation: Operation, runs: [Int]) -> [PackedItem] {
        guard case .convolution(let convolution) = operation else {
            // Matrices of linear layers are read where they are stored.
            let matrix = if case .linear(let linear) = operation { linear.weight } else { String?.none }
            return operation.weights.filter { $0.name != matrix }
                .map { PackedItem(name: $0.name, layout: .plain($0.shape.reduce(1, *))) }
        }
        let kernel =
            convolution.readsStoredKernel
            ? [] : [PackedItem(name: convolution.weight, layout: .kernel(convolution, runs))]
        if let normalization = convolution.normalization {
            return kernel + [PackedItem(name: normalization.bias, layout: .foldedBias(convolution, normalization))]
        }
        let bias = convolution.bias.map { PackedItem(name: $0, layout: .slots(convolution.outputChannels)) }
        return kernel + (bias.map { [$0] } ?? [])
    }

    /// The names of the tensors that the packed form is made of.
    var sources: [String] {
        switch layout {
        case .plain, .slots: [name]
        case .kernel(let convolution, _) where convolution.normalization == nil: [name]
        case .kernel(let convolution, _), .foldedBias(let convolution, _): convolution.weights.map(\.name)
        }
    }

    /// Floats in the packed form.
    var floats: Int {
        get throws {
            switch layout {
            case .plain(let count): return count
            case .slots(let count): return blockCount(count) * Int(UD2M_LANES)
            case .foldedBias(let convolution, _): return blockCount(convolution.outputChannels) * Int(UD2M_LANES)
            case .kernel(let convolution, let runs):
                let count = convolution.withKernelShape(runs) { ud2m_conv_weights_floats($0) }
                guard count > 0 else {
                    throw UD2MError(
                        .networkConfiguration, "The convolution is too large.", at: .init(tensor: name))
                }
                return count
            }
        }
    }

    /// Writes the packed form, from tensors whose shapes have been checked.
    func pack(
        _ sources: [String: StoredTensor], into destination: UnsafeMutablePointer<Float>, pool: OpaquePointer?
    ) throws {
        switch layout {
        case .foldedBias(let convolution, let normalization):
            let bias = try normalization.foldedBias(convolution.bias, sources)
            ud2m_pack_vector(bias, UD2M_ELEMENT_F32, Int32(bias.count), nil, destination)
        case .kernel(let convolution, let runs) where convolution.isRearranged:
            let kernel = try convolution.rearranged(sources)
            try packKernel(convolution, runs, kernel, UD2M_ELEMENT_F32, into: destination, pool: pool)
        case .plain, .slots, .kernel:
            guard let source = sources[name], let element = source.elementType.kernelElement else { return }
            try withExtendedLifetime(source) {
                guard let start = source.bytes.baseAddress else { return }
                switch layout {
                case .slots(let count): ud2m_pack_vector(start, element, Int32(count), nil, destination)
                case .kernel(let convolution, let runs):
                    try packKernel(convolution, runs, start, element, into: destination, pool: pool)
                case .plain(let count): ud2m_convert_to_f32(start, element, count, destination)
                case .foldedBias: break
                }
            }
        }
    }

    private func packKernel(
        _ convolution: Convolution, _ runs: [Int], _ source: UnsafeRawPointer, _ element: ud2m_element,
        into destination: UnsafeMutablePointer<Float>, pool: OpaquePointer?
    ) throws {
        try requireOK(
            convolution.withKernelShape(runs) {
                ud2m_pack_conv_weights(pool, $0, source, element, nil, destination)
            }, "packing \(name)")
    }
}

extension BatchNorm {
    /// What every output channel of a convolution is multiplied with.
    fileprivate func factors(_ sources: [String: StoredTensor]) throws -> [Double] {
        try zip(sources.floats(weight), sources.floats(variance)).map { weight, variance in
            Double(weight) / (Double(variance) + epsilon).squareRoot()
        }
    }

    /// The bias of a normalised convolution, rounded once from double.
    func foldedBias(_ own: String?, _ sources: [String: StoredTensor]) throws -> [Float] {
        let own = try own.map { try sources.floats($0) }
        let (factors, means) = (try factors(sources), try sources.floats(mean))
        return try sources.floats(bias).enumerated().map { channel, bias in
            Float(Double(bias) + (Double(own?[channel] ?? 0) - Double(means[channel])) * factors[channel])
        }
    }
}

extension Convolution {
    /// Whether the packed kernel is not a copy of the stored one.
    var isRearranged: Bool {
        if case .transposed = layout { true } else { normalization != nil }
    }

    /// The kernel [K, C, height, width] with the normalisation folded in, each weight rounded once from double.
    func rearranged(_ sources: [String: StoredTensor]) throws -> [Float] {
        var kernel = try sources.floats(weight)
        if case .transposed(let channels) = layout { kernel = pixels(of: kernel, channels: channels) }
        guard let factors = try normalization?.factors(sources) else { return kernel }
        let rowCount = kernel.count / outputChannels
        for row in factors.indices {
            for index in row * rowCount..<(row + 1) * rowCount {
                kernel[index] = Float(Double(kernel[index]) * factors[row])
            }
        }
        return kernel
    }

    /// The rows of the four pixels one after the other, from a transposed convolution's kernel [C, channels, 2, 2];
    /// rows that only pad a pixel to whole blocks are zero.
    private func pixels(of kernel: [Float], channels: Int) -> [Float] {
        let padded = outputChannels / 4
        var rows = [Float](repeating: 0, count: outputChannels * inputChannels)
        for input in 0..<inputChannels {
            for channel in 0..<channels {
                for pixel in 0..<4 {
                    rows[(pixel * padded + channel) * inputChannels + input] =
                        kernel[(input * channels + channel) * 4 + pixel]
                }
            }
        }
        return rows
    }

    /// The shape of the weights as the kernels describe it, for an input with these runs of channels.
    fileprivate func withKernelShape<Result>(
        _ runs: [Int], _ body: (UnsafePointer<ud2m_conv_weights>) -> Result
    ) -> Result {
        let channels = runs.map { Int32($0) }
        return channels.withUnsafeBufferPointer { channels in
            var shape = ud2m_conv_weights(
                rows: Int32(outputChannels), source_channels: channels.baseAddress,
                source_count: Int32(channels.count), kernel_height: Int32(kernelHeight),
                kernel_width: Int32(kernelWidth))
            return body(&shape)
        }
    }
}

extension [String: StoredTensor] {
    /// The elements of a tensor, widened.
    fileprivate func floats(_ name: String) throws -> [Float] {
        guard let source = self[name], let element = source.elementType.kernelElement else {
            throw UD2MError(.graphInvalid, "The weight was not looked up.", at: .init(tensor: name))
        }
        return withExtendedLifetime(source) {
            [Float](unsafeUninitializedCapacity: source.shape.reduce(1, *)) { buffer, count in
                count = buffer.count
                if let start = source.bytes.baseAddress, let destination = buffer.baseAddress {
                    ud2m_convert_to_f32(start, element, count, destination)
                }
            }
        }
    }
}
