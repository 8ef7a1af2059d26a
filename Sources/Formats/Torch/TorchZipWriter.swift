/// Writes a state dict as a `.pt` file that `torch.load(weights_only=True)` opens (`formats.md` §2).
///
/// A zip archive of stored records at 64-byte boundaries, so that it can be mapped; aliases share storages, as tied
/// tensors do in files that PyTorch writes. The same input always gives the same bytes.
public struct TorchZipWriter {
    private let archive: ZipWriter

    /// Plans a file; nothing is read or written.
    /// - Parameters:
    ///   - tensors: The tensors in the order of the state dict; names must differ.
    ///   - aliases: Further names, each with the name of the tensor whose storage it shares.
    ///   - order: All names in the order of the state dict; without it aliases follow the tensors.
    /// - Throws: ``UD2MError`` with code `export-dtype`, `store-alias`, `store-tensor` or `archive-member`.
    public init(tensors: [TensorInput], aliases: [TensorName: TensorName] = [:], order: [TensorName] = []) throws {
        var rows: [TorchPickleWriter.Tensor] = []
        var members: [ZipWriter.Member] = []
        var indexByName: [TensorName: Int] = [:]
        for (index, tensor) in tensors.enumerated() {
            let location = UD2MError.Location(tensor: tensor.name.text)
            guard tensor.name.isText else {
                throw UD2MError(
                    .storeTensor, "The name is no text.", at: location, remedy: TensorName.refusedRemedy)
            }
            guard indexByName.updateValue(index, forKey: tensor.name) == nil else {
                throw UD2MError(.storeTensor, "Two tensors have the same name.", at: location)
            }
            guard let byteCount = tensor.elementType.byteCount(shape: tensor.shape) else {
                throw UD2MError(.storeTensor, "The sizes of the tensor are more than any file has.", at: location)
            }
            rows.append(
                .init(
                    name: tensor.name, elementType: tensor.elementType, shape: tensor.shape, storage: index,
                    interpretation: tensor.interpretation))
            members.append(
                .init(name: Array("archive/data/\(index)".utf8), byteCount: byteCount) { body in
                    do {
                        try tensor.bytes(body)
                    } catch let error as UD2MError {
                        throw error.located(in: location)
                    }
                })
        }
        let channelParameters = try Self.adoptChannelParameters(&rows, indexByName)
        for (alias, target) in aliases.sorted(by: { $0.key < $1.key }) {
            guard let index = indexByName[target], indexByName[alias] == nil, alias.isText else {
                throw UD2MError(
                    .storeAlias, "An alias must be a new name and stand for a tensor of the file.",
                    at: .init(tensor: alias.text))
            }
            let row = rows[index]
            var other = row
            other.name = alias
            rows.append(other)
        }
        // They are arguments of their tensor, and would be tensors of their own in nobody's file.
        rows.removeAll { channelParameters.contains($0.name) }
        let position = Dictionary(zip(order, order.indices), uniquingKeysWith: { first, _ in first })
        let sorted = Self.joinSparse(
            rows.enumerated().sorted {
                (position[$0.element.name] ?? .max, $0.offset) < (position[$1.element.name] ?? .max, $1.offset)
            }.map(\.element))
        let head: [ZipWriter.Member] = [
            .init(name: "archive/data.pkl", bytes: try TorchPickleWriter.pickle(sorted)),
            .init(name: "archive/.format_version", bytes: Array("1".utf8)),
            .init(name: "archive/.storage_alignment", bytes: Array(String(ZipWriter.alignment).utf8)),
            .init(name: "archive/byteorder", bytes: Array("little".utf8)),
        ]
        archive = try ZipWriter(head + members + [.init(name: "archive/version", bytes: Array("3\n".utf8))])
    }

    /// Gives every tensor that is quantised by channel its scales and zero points, which stand beside it.
    /// - Returns: Their names.
    private static func adoptChannelParameters(
        _ rows: inout [TorchPickleWriter.Tensor], _ indexByName: [TensorName: Int]
    ) throws -> Set<TensorName> {
        var adopted: Set<TensorName> = []
        for index in rows.indices {
            guard let axis = rows[index].interpretation.quantisation?.axis else { continue }
            let suffix = rows[index].interpretation.quantisation?.suffix ?? ""
            let names = TensorQuantisation.channelParameters.map { rows[index].name.appending($0 + suffix) }
            let parameters = names.compactMap { indexByName[$0].map { rows[$0] } }
            let shape = rows[index].interpretation.quantisation?.packedShape ?? rows[index].shape
            guard parameters.count == 2, shape.indices.contains(axis),
                parameters.allSatisfy({ $0.shape == [shape[axis]] })
            else {
                throw UD2MError(
                    .exportType, "The scales and zero points of the tensor's channels are not beside it.",
                    at: .init(tensor: rows[index].name.text), remedy: "Export as safetensors, or dequantise it.")
            }
            rows[index].channelParameters = parameters
            adopted.formUnion(names)
        }
        return adopted
    }

    /// Puts every sparse tensor whose parts are all there in the place of its first part, as PyTorch holds it.
    private static func joinSparse(_ rows: [TorchPickleWriter.Tensor]) -> [TorchPickleWriter.Tensor] {
        let wholes = SparseTensor.restorable(rows.map { ($0.name, $0.interpretation.sparsity) })
        guard !wholes.isEmpty else { return rows }
        let byName = Dictionary(rows.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var wholeOf: [TensorName: SparseTensor] = [:]
        for whole in wholes { for part in whole.parts { wholeOf[part] = whole } }
        var done: Set<TensorName> = []
        return rows.compactMap { row in
            guard let whole = wholeOf[row.name] else { return row }
            guard done.insert(whole.name).inserted else { return nil }
            var joined = row
            joined.name = whole.name
            joined.sparse = .init(
                layout: whole.layout, shape: whole.shape, parts: whole.parts.compactMap { byName[$0] })
            return joined
        }
    }

    /// Bytes of the file.
    public var fileSize: Int { archive.fileSize }

    /// Streams the tensors into a new file, which appears complete or not at all.
    /// - Parameters:
    ///   - path: Where to.
    ///   - overwrite: Whether an existing file may be replaced.
    ///   - inputs: Paths that must not be replaced.
    ///   - progress: Called with the bytes done and all bytes, after each piece; may throw to cancel.
    /// - Throws: ``UD2MError`` with an `output-…` code or what reading a tensor throws.
    public func write(
        to path: String, overwrite: Bool = false, inputs: [String] = [],
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws {
        try archive.writeFile(to: path, overwrite: overwrite, inputs: inputs, progress: progress)
    }
}

extension ZipWriter {
    /// Writes the archive as a new file, which appears complete or not at all.
    func writeFile(
        to path: String, overwrite: Bool, inputs: [String], progress: (_ done: Int, _ total: Int) throws -> Void
    ) throws {
        let total = fileSize
        let file = try AtomicFile(path: path, byteCount: total, overwrite: overwrite, inputs: inputs)
        var done = 0
        try write(to: file) { bytes in
            done += bytes
            try progress(done, total)
        }
        try file.commit()
    }
}
