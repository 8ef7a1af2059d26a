import CUD2MKernels
import UD2MFormats

/// The weights of a graph as its kernels want them.
///
/// Kernels of 3×3 convolutions and matrices of linear layers, most of a network, stay where they are stored: they are
/// widened and transformed while they are used, so a mapped file is their only home. All else is packed in one buffer of
/// float32, four bytes a parameter and padding to sixteen channels.
package final class PackedWeights {
    private let buffer: FloatBuffer
    private let offsets: [String: Int]
    private let stored: [String: StoredTensor]
    /// Kernels that are held as float16, by name.
    private let halves: [String: UnsafePointer<UInt16>]
    private let halfBuffer: FloatBuffer

    /// Bytes in memory.
    package var byteCount: Int {
        stored.values.reduce((buffer.count + halfBuffer.count) * MemoryLayout<Float>.stride) { bytes, tensor in
            bytes + (tensor.isInMemory ? tensor.byteCount : 0)
        }
    }

    /// What takes the place of a tensor: nil where it stays as it is.
    typealias Adjustment = (_ name: String, _ source: StoredTensor) throws -> StoredTensor?

    /// Packs every weight of `graph`, as `lookup` gives them by name, after checking all against what the graph needs.
    /// - Throws: `weight-missing`, `weight-shape`, `weight-type` or `weight-range` with the tensor's name;
    ///   `memory-exhausted`.
    package convenience init(
        graph: Graph, pool: OpaquePointer?, precision: Precision = .standard,
        lookup: (String) throws -> StoredTensor?
    ) throws {
        try self.init(users: WeightUser.all(of: graph), pool: pool, precision: precision, lookup: lookup)
    }

    /// Packs the weights of some operations, or of these only the named ones.
    ///
    /// `adjust` changes tensors before they are packed, one at a time, so that changed copies are not in memory together.
    /// - Throws: as ``init(graph:pool:precision:lookup:)``, and what `adjust` throws.
    init(
        users: [WeightUser], names: Set<String>? = nil, pool: OpaquePointer?, precision: Precision = .standard,
        adjust: Adjustment = { _, _ in nil }, lookup: (String) throws -> StoredTensor?
    ) throws {
        func isWanted(_ name: String) -> Bool { names?.contains(name) ?? true }
        var seen: Set<String> = []
        let requirements = users.flatMap(\.operation.weights).filter {
            isWanted($0.name) && seen.insert($0.name).inserted
        }
        let sources = try Self.checkedSources(requirements, lookup: lookup)
        let items = users.flatMap(\.items).filter { isWanted($0.name) }
        let (kernels, matrices) = Self.storedNames(of: users)
        var kept: [String: StoredTensor] = [:]
        for (name, source) in sources where kernels.contains(name) || matrices.contains(name) {
            kept[name] = try adjust(name, source) ?? source
        }
        var offsets: [String: Int] = [:]
        var count = 0
        for item in items where offsets[item.name] == nil {
            offsets[item.name] = count
            count += Self.wholeLines(try item.floats)
        }
        self.offsets = offsets
        buffer = try FloatBuffer(count: count)
        for item in items {
            guard let offset = offsets[item.name] else { continue }
            var parts = sources
            for name in item.sources {
                if let source = sources[name], let changed = try adjust(name, source) { parts[name] = changed }
            }
            try item.pack(parts, into: buffer.base + offset, pool: pool)
        }
        let narrowed = precision == .halfWeights ? kept.filter { kernels.contains($0.key) } : [:]
        let (halves, halfBuffer) = try Self.halves(of: narrowed, pool: pool)
        self.halves = halves
        self.halfBuffer = halfBuffer
        // Changed kernels that are held as float16 need not stay in single precision as well.
        stored = kept.filter { halves[$0.key] == nil || !$0.value.isInMemory }
        // What has been copied need not stay in memory twice.
        for (name, source) in sources where stored[name] == nil { source.adviseUnused() }
    }

    private static func wholeLines(_ floats: Int) -> Int {
        (floats + ArenaPacking.alignment - 1) / ArenaPacking.alignment * ArenaPacking.alignment
    }

    /// Copies of float32 kernels, rounded to float16; others are narrow enough as they are. Throws `weight-range` for a
    /// weight that would become infinite.
    private static func halves(
        of sources: [String: StoredTensor], pool: OpaquePointer?
    ) throws -> ([String: UnsafePointer<UInt16>], FloatBuffer) {
        let wide = sources.filter { $0.value.elementType == .f32 }.sorted { $0.value.fileOffset < $1.value.fileOffset }
        let floats = wide.map { wholeLines(($0.value.elementCount + 1) / 2) }
        let buffer = try FloatBuffer(count: floats.reduce(0, +))
        var halves: [String: UnsafePointer<UInt16>] = [:]
        var offset = 0
        for ((name, source), floats) in zip(wide, floats) {
            let destination = UnsafeMutableRawPointer(buffer.base + offset).assumingMemoryBound(to: UInt16.self)
            let largest = source.withBytes {
                ud2m_round_to_f16(pool, $0.baseAddress, source.elementCount, destination)
            }
            // From here on, rounding to nearest gives infinity. Weights that are no numbers stay what they are.
            guard largest < 65_520 else {
                throw UD2MError(
                    .weightRange, "A weight has the magnitude \(largest), and float16 ends at 65504.",
                    at: .init(tensor: name), remedy: "Run the network with the default precision.")
            }
            // At once, so that both copies of all kernels are never in memory together.
            source.adviseUnused()
            halves[name] = UnsafePointer(destination)
            offset += floats
        }
        return (halves, buffer)
    }

    /// Whether a weight of this name was loaded.
    func holds(_ name: String) -> Bool { offsets[name] != nil || stored[name] != nil || halves[name] != nil }

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
        let (data, element) = try storedTensor(convolution.weight)
        return ud2m_stored_kernel(
            data: data, element: element, rows: Int32(convolution.outputChannels),
            source_channels: channels.baseAddress, source_count: Int32(channels.count))
    }

    /// The elements of a weight that is used as it lies in memory, valid while this object lives.
    ///
    /// Throws `graph-invalid` when the graph given at the start did not name the weight.
    package func storedTensor(_ name: String) throws -> (UnsafeRawPointer?, ud2m_element) {
        if let half = halves[name] { return (UnsafeRawPointer(half), UD2M_ELEMENT_F16) }
        guard let tensor = stored[name], let element = tensor.elementType.kernelElement else {
            throw UD2MError(.graphInvalid, "The weight was not loaded.", at: .init(tensor: name))
        }
        return (tensor.bytes.baseAddress, element)
    }

    /// The weights that are used as they are stored: kernels of convolutions, and matrices of linear layers.
    private static func storedNames(of users: [WeightUser]) -> (kernels: Set<String>, matrices: Set<String>) {
        var (kernels, matrices): (Set<String>, Set<String>) = ([], [])
        for user in users {
            switch user.operation {
            case .convolution(let convolution) where convolution.readsStoredKernel: kernels.insert(convolution.weight)
            case .linear(let linear): matrices.insert(linear.weight)
            default: break
            }
        }
        return (kernels, matrices)
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
