import CUD2MKernels
import UD2MFormats

/// All weights of a graph in the kernels' layouts, as float32, in one buffer.
///
/// Half-precision stores are widened on load, so the buffer takes four bytes a parameter (plus padding to sixteen
/// channels) whatever the store holds. The store is not read again afterwards.
package final class PackedWeights {
    private let buffer: FloatBuffer
    private let offsets: [String: Int]

    /// Floats in the buffer.
    package var count: Int { buffer.count }

    /// Packs every weight of `graph`, as `lookup` gives them by name, after checking all against what the graph needs.
    /// - Throws: `weight-missing`, `weight-shape` or `weight-type` with the tensor's name; `memory-exhausted`.
    package init(graph: Graph, pool: OpaquePointer?, lookup: (String) throws -> StoredTensor?) throws {
        let sources = try Self.checkedSources(graph.weights, lookup: lookup)
        let items = Self.items(of: graph)
        var offsets: [String: Int] = [:]
        var count = 0
        for item in items where offsets[item.name] == nil {
            offsets[item.name] = count
            let padded = (try item.floats + ArenaPacking.alignment - 1) / ArenaPacking.alignment
            count += padded * ArenaPacking.alignment
        }
        self.offsets = offsets
        buffer = try FloatBuffer(count: count)
        for item in items {
            guard let source = sources[item.name], let offset = offsets[item.name] else { continue }
            try item.pack(source, into: buffer.base + offset, pool: pool)
        }
    }

    /// The packed weight of a name.
    /// - Throws: `graph-invalid` when the graph given at the start did not name it.
    package func pointer(_ name: String) throws -> UnsafeMutablePointer<Float> {
        guard let offset = offsets[name] else {
            throw UD2MError(.graphInvalid, "The weight was not loaded.", at: .init(tensor: name))
        }
        return buffer.base + offset
    }

    /// What to pack and how, from the node that first names each weight.
    private static func items(of graph: Graph) -> [PackedItem] {
        let runs = ConcatElimination.channelRuns(of: graph)
        return graph.nodes.flatMap { node -> [PackedItem] in
            let weights = node.operation.weights
            guard case .convolution(let convolution) = node.operation else {
                return weights.map { PackedItem(name: $0.name, layout: .plain($0.shape.reduce(1, *))) }
            }
            let weight = PackedItem(
                name: convolution.weight, layout: .convolution(convolution, runs[node.inputs[0].index]))
            return [weight]
                + weights.dropFirst().map {
                    PackedItem(name: $0.name, layout: .slots(convolution.outputChannels))
                }
        }
    }

    private static func checkedSources(
        _ requirements: [WeightRequirement], lookup: (String) throws -> StoredTensor?
    ) throws -> [String: StoredTensor] {
        var sources: [String: StoredTensor] = [:]
        for requirement in requirements {
            let location = UD2MError.Location(tensor: requirement.name)
            guard let source = try lookup(requirement.name) else {
                throw UD2MError(
                    .weightMissing, "The network needs this tensor of shape \(requirement.shape).", at: location)
            }
            guard source.shape == requirement.shape else {
                throw UD2MError(
                    .weightShape, "The shape is \(source.shape), but the network needs \(requirement.shape).",
                    at: location)
            }
            guard source.elementType.kernelElement != nil else {
                throw UD2MError(
                    .weightType, "A network cannot compute with \(source.elementType.rawValue) elements.",
                    at: location, remedy: "Convert the checkpoint with --dtype f32, f16 or bf16.")
            }
            sources[requirement.name] = source
        }
        return sources
    }
}

/// One weight and its layout in the buffer.
private struct PackedItem {
    enum Layout {
        /// As in the store.
        case plain(Int)
        /// A value a channel, padded to whole blocks.
        case slots(Int)
        /// A convolution whose input has the given runs of channels.
        case convolution(Convolution, [Int])
    }

    let name: String
    let layout: Layout

    /// Floats in the packed form.
    var floats: Int {
        get throws {
            switch layout {
            case .plain(let count): return count
            case .slots(let count): return blockCount(count) * Int(UD2M_LANES)
            case .convolution(let convolution, let runs):
                let count = convolution.withKernelShape(runs) { ud2m_conv_weights_floats($0) }
                guard count > 0 else {
                    throw UD2MError(
                        .networkConfiguration, "The convolution is too large.", at: .init(tensor: name))
                }
                return count
            }
        }
    }

    func pack(_ source: StoredTensor, into destination: UnsafeMutablePointer<Float>, pool: OpaquePointer?) throws {
        guard let element = source.elementType.kernelElement else { return }
        try withExtendedLifetime(source) {
            guard let start = source.bytes.baseAddress else { return }
            switch layout {
            case .plain(let count): ud2m_convert_to_f32(start, element, count, destination)
            case .slots(let count): ud2m_pack_vector(start, element, Int32(count), nil, destination)
            case .convolution(let convolution, let runs):
                try requireOK(
                    convolution.withKernelShape(runs) {
                        ud2m_pack_conv_weights(pool, $0, start, element, nil, destination)
                    }, "packing \(name)")
            }
        }
    }
}

extension Convolution {
    /// The shape of the weights as the kernels describe it, for an input with these runs of channels.
    fileprivate func withKernelShape<Result>(
        _ runs: [Int], _ body: (UnsafePointer<ud2m_conv_weights>) -> Result
    ) -> Result {
        let channels = runs.map { Int32($0) }
        return channels.withUnsafeBufferPointer { channels in
            var shape = ud2m_conv_weights(
                rows: Int32(outputChannels), source_channels: channels.baseAddress,
                source_count: Int32(channels.count), kernel_height: Int32(kernel), kernel_width: Int32(kernel))
            return body(&shape)
        }
    }
}

extension ElementType {
    /// The kernels' name for this type, or nil when they cannot read it.
    package var kernelElement: ud2m_element? {
        switch self {
        case .f32: UD2M_ELEMENT_F32
        case .f16: UD2M_ELEMENT_F16
        case .bf16: UD2M_ELEMENT_BF16
        default: nil
        }
    }
}

/// Blocks of sixteen that hold `channels` channels.
package func blockCount(_ channels: Int) -> Int {
    (channels + Int(UD2M_LANES) - 1) / Int(UD2M_LANES)
}

/// Turns a kernel's complaint about its arguments into an error; a plan never gives it cause.
package func requireOK(_ status: ud2m_status, _ work: @autoclosure () -> String) throws {
    guard status == UD2M_STATUS_OK else {
        throw UD2MError(.graphInvalid, "A kernel refused its arguments while \(work()).")
    }
}
