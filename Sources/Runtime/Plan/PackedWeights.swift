import CUD2MKernels
import UD2MFormats

/// The weights of a graph as its kernels want them.
///
/// Kernels of 3×3 convolutions, most of a network, stay where they are stored: they are widened and transformed while
/// they are used, so a mapped file is their only home. All else is packed in one buffer of float32, four bytes a
/// parameter and padding to sixteen channels.
package final class PackedWeights {
    private let buffer: FloatBuffer
    private let offsets: [String: Int]
    private let stored: [String: StoredTensor]

    /// Floats in the buffer.
    package var count: Int { buffer.count }

    /// Packs every weight of `graph`, as `lookup` gives them by name, after checking all against what the graph needs.
    /// - Throws: `weight-missing`, `weight-shape` or `weight-type` with the tensor's name; `memory-exhausted`.
    package init(graph: Graph, pool: OpaquePointer?, lookup: (String) throws -> StoredTensor?) throws {
        let sources = try Self.checkedSources(graph.weights, lookup: lookup)
        let items = Self.items(of: graph)
        let storedNames = Self.storedNames(of: graph)
        stored = sources.filter { storedNames.contains($0.key) }
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
            guard let offset = offsets[item.name] else { continue }
            try item.pack(sources, into: buffer.base + offset, pool: pool)
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

    /// The 3×3 kernel of a convolution for which ``Convolution/readsStoredKernel`` holds, valid while this object lives.
    ///
    /// The pointer to the input's runs of channels is kept. Throws `graph-invalid` when the graph given at the start did
    /// not name the weight.
    package func storedKernel(
        _ convolution: Convolution, channels: UnsafeBufferPointer<Int32>
    ) throws -> ud2m_stored_kernel {
        guard let tensor = stored[convolution.weight], let element = tensor.elementType.kernelElement else {
            throw UD2MError(.graphInvalid, "The weight was not loaded.", at: .init(tensor: convolution.weight))
        }
        return ud2m_stored_kernel(
            data: tensor.bytes.baseAddress, element: element, rows: Int32(convolution.outputChannels),
            source_channels: channels.baseAddress, source_count: Int32(channels.count))
    }

    private static func storedNames(of graph: Graph) -> Set<String> {
        Set(
            graph.nodes.compactMap { node in
                guard case .convolution(let convolution) = node.operation, convolution.readsStoredKernel else {
                    return nil
                }
                return convolution.weight
            })
    }

    /// What to pack and how, from the node that first names each weight.
    private static func items(of graph: Graph) -> [PackedItem] {
        let runs = ConcatElimination.channelRuns(of: graph)
        return graph.nodes.flatMap { node in
            PackedItem.items(of: node.operation, runs: node.inputs.first.map { runs[$0.index] } ?? [])
        }
    }

    /// The tensors of a list of requirements, after checking that each is there, with its shape and a readable type;
    /// those in double precision are copied to single precision.
    static func checkedSources(
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
            if source.elementType == .f64 {
                // Kernels read no doubles; they compute in single precision anyway.
                sources[requirement.name] = try source.singlePrecision()
                continue
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
