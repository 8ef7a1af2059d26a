import CUD2MKernelCases
import CUD2MKernels
import Foundation
import Testing
import UD2MFormats
import UD2MRuntime

/// The one list of kernel cases (`Tools/kernels/cases.c`) on a device against the CPU, each as a graph of a few nodes.
@Suite(.enabled(if: TestDevice.isAvailable)) struct CUDASharedCaseTests {
    @Test func theListIsWhole() {
        #expect(CheckedCases.all.count >= 50)
        #expect(Set(CheckedCases.all.map(\.kind.rawValue)).count == 6)
    }

    @Test(arguments: CheckedCases.runs) func matchesTheCPU(index: Int, element: DeviceElement) throws {
        let item = CheckedCases.all[index]
        var graphCase = GraphCase(seed: UInt64(index))
        let graph =
            switch item.kind {
            case UD2M_CASE_CONVOLUTION: try graphCase.convolution(item.convolution.pointee)
            case UD2M_CASE_TRANSPOSED: try graphCase.transposed(item.transposed.pointee)
            case UD2M_CASE_ATTENTION: try graphCase.attention(item.attention.pointee)
            case UD2M_CASE_GROUP_NORM: try graphCase.groupNorm(item.norm.pointee)
            case UD2M_CASE_POOLING: try graphCase.pooling(item.pooling.pointee)
            default: try graphCase.linear(item.linear.pointee)
            }
        try CUDAOperationTests.expectEqual(
            graph, graphCase.inputs, element, name: String(cString: item.name),
            slack: CheckedCases.slack(item, element),
            expected: CheckedCases.isSteep(item) ? graphCase.exactAttention(item.attention.pointee) : nil)
    }
}

/// The cases of the list that are compared with the reference tier, but for convolutions that must be refused.
private enum CheckedCases {
    // They point into a constant table.
    nonisolated(unsafe) static let all: [ud2m_case] = (0..<ud2m_case_count()).map { ud2m_case_at($0) }
        .filter { [UD2M_CASE_CHECKED, UD2M_CASE_TILES].contains($0.use) }

    /// Attention that amplifies the rounding of its products: exponents are sums of some hundreds in float32, which the CPU
    /// adds up in turn, so that it is not right to 1e-5 itself.
    static func isSteep(_ item: ud2m_case) -> Bool {
        item.kind == UD2M_CASE_ATTENTION && item.attention.pointee.gain > 1
    }

    /// How much more than others a case may differ: normalisation of values that differ by less than their size, whose
    /// differences bfloat16 hardly holds.
    static func slack(_ item: ud2m_case, _ element: DeviceElement) -> Float {
        guard item.kind == UD2M_CASE_GROUP_NORM, element == .bf16 else { return 1 }
        return item.norm.pointee.offset != 0 || item.norm.pointee.width <= 2 ? 2 : 1
    }

    /// Every case in every type of elements, but for steep attention in 16 bits, whose rounding is large as well.
    static let runs: [(index: Int, element: DeviceElement)] = all.indices.flatMap { index in
        (isSteep(all[index]) ? [.f32] : DeviceElement.allCases).map { (index, $0) }
    }
}

/// A case of the shared list as a graph and its inputs.
private struct GraphCase {
    private var builder = GraphBuilder()
    private var random: KernelRandom
    private(set) var inputs: [String: Tensor] = [:]

    init(seed: UInt64) { random = KernelRandom(seed) }

    /// An input of two images.
    private mutating func image(
        _ channels: Int, _ height: Int, _ width: Int, gain: Float = 2, offset: Float = 0
    ) throws -> FeatureMap {
        let name = "x\(inputs.count)"
        inputs[name] = try Tensor(
            shape: [2, channels, height, width],
            values: random.values(2 * channels * height * width, gain: gain, offset: offset))
        return builder.image(name, channels: channels)
    }

    private mutating func joined(
        _ sources: [Int], _ height: Int, _ width: Int, offset: Float = 0
    ) throws -> FeatureMap {
        let maps = try sources.map { try image($0, height, width, offset: offset) }
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
        let item = ConvolutionCase(row)
        var map = try joined(item.sources, item.height, item.width)
        if item.mapped { map = try builder.groupNorm(map, "norm", groups: 1) }
        if item.inputActivation != UD2M_ACTIVATION_NONE {
            map = builder.activate(map, activation(item.inputActivation))
        }
        if item.upsample == 2 { map = builder.resample(map, .nearestUp) }
        let hasResidual = item.residual > 0
        var result = builder.convolution(
            map,
            Convolution(
                weight: "conv.weight", bias: item.bias ? "conv.bias" : nil, normalization: nil,
                inputChannels: map.channels, outputChannels: item.outputs, kernelHeight: item.kernel.0,
                kernelWidth: item.kernel.1, stride: item.stride,
                padding: Padding(top: item.pads.0, left: item.pads.1, bottom: item.pads.2, right: item.pads.3),
                activation: hasResidual ? .none : activation(item.activation), layout: .planar))
        if hasResidual {
            // Graphs enlarge to even sides only.
            let isEnlarged = item.residual == 2 && item.outputHeight % 2 == 0 && item.outputWidth % 2 == 0
            let factor = isEnlarged ? 2 : 1
            var residual = try image(item.outputs, item.outputHeight / factor, item.outputWidth / factor)
            if isEnlarged { residual = builder.resample(residual, .nearestUp) }
            result = try builder.add(result, residual)
            if item.activation != UD2M_ACTIVATION_NONE {
                result = builder.activate(result, activation(item.activation))
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
        let map = try joined(caseSources(row.sources), height, width, offset: row.offset)
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
