import CUD2MKernels
import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A case of the kernels' list as a graph of two images, and its inputs.
struct ListedGraph {
    private let name: String
    private var builder = GraphBuilder()
    private(set) var inputs: [String: Tensor] = [:]

    /// Starts a case, whose inputs' numbers follow from its name.
    init(_ name: String) { self.name = name }

    /// An input of two images.
    private mutating func image(
        _ channels: Int, _ height: Int, _ width: Int, gain: Float = 2, offset: Float = 0
    ) throws -> FeatureMap {
        let input = "x\(inputs.count)"
        let numbers = SelfTestNumbers("\(name) \(input)").values(2 * channels * height * width, within: gain / 2)
        inputs[input] = try Tensor(shape: [2, channels, height, width], values: numbers.map { $0 + offset })
        return builder.image(input, channels: channels)
    }

    private mutating func joined(
        _ sources: (Int32, Int32, Int32), _ height: Int, _ width: Int, offset: Float = 0
    ) throws -> FeatureMap {
        let channels = [sources.0, sources.1, sources.2].filter { $0 > 0 }
        let maps = try channels.map { try image(Int($0), height, width, offset: offset) }
        return maps.count == 1 ? maps[0] : builder.concat(maps)
    }

    private func activation(_ activation: ud2m_activation) -> Activation {
        switch activation {
        case UD2M_ACTIVATION_SILU: .silu
        case UD2M_ACTIVATION_RELU: .relu
        default: .none
        }
    }

    mutating func convolution(_ row: ud2m_conv_case) throws -> Graph {
        var map = try joined(row.sources, Int(row.height), Int(row.width))
        if row.mapped { map = try builder.groupNorm(map, "norm", groups: 1) }
        if row.input_activation != UD2M_ACTIVATION_NONE {
            map = builder.activate(map, activation(row.input_activation))
        }
        if row.upsample == 2 { map = builder.resample(map, .nearestUp) }
        let (pads, kernel) = (row.pads, row.kernel)
        let padding = Padding(top: Int(pads.0), left: Int(pads.1), bottom: Int(pads.2), right: Int(pads.3))
        let hasResidual = row.residual > 0
        var result = builder.convolution(
            map,
            Convolution(
                weight: "conv.weight", bias: row.bias ? "conv.bias" : nil, normalization: nil,
                inputChannels: map.channels, outputChannels: Int(row.outputs), kernelHeight: Int(kernel.0),
                kernelWidth: Int(kernel.1), stride: Int(row.stride), padding: padding,
                activation: hasResidual ? .none : activation(row.activation), layout: .planar))
        if hasResidual {
            // Graphs enlarge to even sides only.
            func side(_ length: Int32, _ padding: Int32, _ kernel: Int32) -> Int {
                Int((length * row.upsample + padding - kernel) / row.stride + 1)
            }
            let height = side(row.height, pads.0 + pads.2, kernel.0)
            let width = side(row.width, pads.1 + pads.3, kernel.1)
            let isEnlarged = row.residual == 2 && height % 2 == 0 && width % 2 == 0
            let factor = isEnlarged ? 2 : 1
            var residual = try image(Int(row.outputs), height / factor, width / factor)
            if isEnlarged { residual = builder.resample(residual, .nearestUp) }
            result = try builder.add(result, residual)
            if row.activation != UD2M_ACTIVATION_NONE {
                result = builder.activate(result, activation(row.activation))
            }
        }
        return builder.finish(result)
    }

    mutating func transposed(_ row: ud2m_transposed_case) throws -> Graph {
        let x = try image(Int(row.channels), Int(row.height), Int(row.width))
        return builder.finish(builder.transposedConvolution(x, "up", channels: Int(row.outputs)))
    }

    /// Queries and keys share the case's gain.
    mutating func attention(_ row: ud2m_attention_case) throws -> Graph {
        let (heads, channels, tokens) = (Int(row.heads), Int(row.heads * row.head_channels), Int(row.tokens))
        let gain = 2 * row.gain.squareRoot()
        let orders: [UInt32: QKVOrder] = [
            UD2M_CASE_ROWS_LEGACY.rawValue: .headMajor, UD2M_CASE_ROWS_NEW.rawValue: .kindMajor,
        ]
        let order = orders[row.rows.rawValue] ?? .separate
        let parts = try (0..<(order == .separate ? 3 : 1)).map { _ in
            try image(order == .separate ? channels : 3 * channels, 1, tokens, gain: gain)
        }
        let qkv = order == .separate ? builder.concat(parts) : parts[0]
        return builder.finish(try builder.attention(qkv, heads: heads, order: order))
    }

    /// What ``attention(_:)`` gives, in double precision.
    func exactAttention(_ row: ud2m_attention_case) throws -> Tensor {
        let (heads, width, tokens) = (Int(row.heads), Int(row.head_channels), Int(row.tokens))
        let parts = (0..<inputs.count).compactMap { inputs["x\($0)"] }
        // Queries, keys and values are kinds 0, 1 and 2.
        func vector(_ kind: Int, _ image: Int, _ head: Int, _ token: Int) -> [Double] {
            let place = row.rows == UD2M_CASE_ROWS_LEGACY ? 3 * head + kind : kind * heads + head
            let (part, first) = parts.count == 1 ? (parts[0], place * width) : (parts[kind], head * width)
            return (first..<first + width).map {
                Double(part.values[(image * part.shape[1] + $0) * tokens + token])
            }
        }
        var result = [Float](repeating: 0, count: 2 * heads * width * tokens)
        for image in 0..<2 {
            for head in 0..<heads {
                let keys = (0..<tokens).map { vector(1, image, head, $0) }
                let values = (0..<tokens).map { vector(2, image, head, $0) }
                for token in 0..<tokens {
                    let query = vector(0, image, head, token)
                    let exponents = keys.map { key in
                        zip(query, key).reduce(0) { $0 + $1.0 * $1.1 } / Double(width).squareRoot()
                    }
                    let largest = exponents.max() ?? 0
                    let weights = exponents.map { exp($0 - largest) }
                    let total = weights.reduce(0, +)
                    for channel in 0..<width {
                        let sum = zip(weights, values).reduce(0) { $0 + $1.0 * $1.1[channel] }
                        result[((image * heads + head) * width + channel) * tokens + token] = Float(sum / total)
                    }
                }
            }
        }
        return try Tensor(shape: [2, heads * width, 1, tokens], values: result)
    }

    mutating func groupNorm(_ row: ud2m_norm_case) throws -> Graph {
        let (height, width) = (Int(row.height), Int(row.width))
        let map = try joined(row.sources, height, width, offset: row.offset)
        var norm = try builder.groupNorm(map, "norm", groups: Int(row.groups))
        if row.modulated {
            let vector = builder.globalAverage(try image(2 * map.channels, 1, 1))
            norm = try builder.modulate(norm, by: vector)
        }
        return builder.finish(builder.silu(norm))
    }

    mutating func pooling(_ row: ud2m_pooling_case) throws -> Graph {
        var map = try image(Int(row.channels), Int(row.height), Int(row.width))
        if row.mapped { map = builder.silu(try builder.groupNorm(map, "norm", groups: 1)) }
        let (window, stride, padding) = (Int(row.window), Int(row.stride), Int(row.padding))
        let pooling: Pooling =
            switch row.kind {
            case UD2M_POOLING_MAXIMUM:
                .maximum(window: window, stride: stride, padding: padding, isCeiling: row.ceil_mode)
            case UD2M_POOLING_AVERAGE: .average(window: window, stride: stride, padding: padding)
            // Networks have squares.
            default: .adaptiveAverage(side: Int(row.adaptive.0))
            }
        return builder.finish(builder.pool(map, pooling))
    }

    mutating func linear(_ row: ud2m_linear_case) throws -> Graph {
        let vector = builder.flatten(try image(Int(row.inputs), 1, 1), positions: 1)
        let input = row.input_activation == UD2M_ACTIVATION_NONE ? vector : builder.silu(vector)
        return builder.finish(builder.linear(input, "linear", channels: Int(row.outputs)))
    }
}
