/// Writes the pickle of a state dict as `torch.save` does: protocol 2, an `OrderedDict` of `_rebuild_tensor_v2` calls, so
/// that `torch.load(weights_only=True)` reads it (`formats.md` §5.1, §5.3).
struct TorchPickleWriter {
    /// A tensor that owns or shares a storage record.
    struct Tensor {
        var name: TensorName
        let elementType: ElementType
        let shape: [Int]
        /// The record under `data/`.
        let storage: Int
        var interpretation = TensorInterpretation.plain
        /// The scales and zero points of a tensor that is quantised by channel.
        var channelParameters: [Tensor] = []
        /// What the tensor is the whole of; its own storage and shape mean nothing then.
        var sparse: Sparse?
    }

    /// A tensor that its parts stand for.
    struct Sparse {
        let layout: String
        let shape: [Int]
        /// In the order of the layout.
        let parts: [Tensor]
    }

    private(set) var bytes: [UInt8] = []
    /// What was pickled before and can be fetched again.
    private var memo: [String: Int] = [:]

    /// The pickle of a state dict.
    /// - Throws: ``UD2MError`` with code `export-dtype` for a type that PyTorch does not have.
    static func pickle(_ tensors: [Tensor]) throws -> [UInt8] {
        var writer = TorchPickleWriter()
        writer.bytes = [0x80, 0x02]
        writer.emptyOrderedDict()
        writer.op("(")
        for tensor in tensors {
            writer.text(tensor.name.text)
            try writer.tensor(tensor)
        }
        writer.op("u")
        writer.op(".")
        return writer.bytes
    }

    private mutating func tensor(_ tensor: Tensor) throws {
        if let sparse = tensor.sparse { return try self.sparse(sparse) }
        guard let type = TorchWriterType(tensor.elementType, torchType: tensor.interpretation.torchType),
            type.isQuantised == (tensor.interpretation.quantisation != nil),
            let shape = type.torchShape(tensor.interpretation.quantisation?.packedShape ?? tensor.shape)
        else {
            let name = tensor.interpretation.torchType ?? tensor.elementType.rawValue
            throw UD2MError(
                .exportType, "A .pt file cannot hold \(name) elements of shape \(tensor.shape).",
                at: .init(tensor: tensor.name.text), remedy: "Export as safetensors instead.")
        }
        let count = tensor.shape.contains(0) ? 0 : tensor.shape.reduce(1, *) / type.packing
        global("torch._utils", type.builder)
        op("(")
        // The storage: a persistent id, whose size counts elements of the storage's own type.
        op("(")
        sharedText("storage")
        global(type.dtype == nil ? "torch" : "torch.storage", type.storage)
        text(String(tensor.storage))
        sharedText("cpu")
        integer(type.dtype == nil ? count : count * type.byteWidth)
        op("t")
        op("Q")
        integer(0)
        tuple(shape)
        tuple(TensorSource.denseStrides(shape))
        if let quantisation = tensor.interpretation.quantisation { try quantiser(quantisation, tensor) }
        op("\u{89}")
        emptyOrderedDict()
        if let dtype = type.dtype { global("torch", dtype) }
        op("t")
        op("R")
    }

    /// (layout, (parts…, size)). Whether a coordinate tensor is coalesced is left out, which PyTorch takes for "unknown".
    private mutating func sparse(_ sparse: Sparse) throws {
        global("torch._utils", "_rebuild_sparse_tensor")
        op("(")
        global("torch.serialization", "_get_layout")
        op("(")
        sharedText(sparse.layout)
        op("t")
        op("R")
        op("(")
        for part in sparse.parts { try tensor(part) }
        tuple(sparse.shape)
        op("t")
        op("t")
        op("R")
    }

    /// (scheme, scale, zero point), or (scheme, scales, zero points, axis).
    private mutating func quantiser(_ quantisation: TensorQuantisation, _ tensor: Tensor) throws {
        op("(")
        global("torch", quantisation.scheme)
        if let scale = quantisation.scale {
            op("G")
            bytes += withUnsafeBytes(of: scale.bitPattern.bigEndian) { Array($0) }
            integer(quantisation.zeroPoint ?? 0)
        }
        for parameter in tensor.channelParameters { try self.tensor(parameter) }
        if let axis = quantisation.axis { integer(axis) }
        op("t")
    }

    private mutating func op(_ code: Unicode.Scalar) { bytes.append(UInt8(truncatingIfNeeded: code.value)) }

    private mutating func emptyOrderedDict() {
        global("collections", "OrderedDict")
        op(")")
        op("R")
    }

    /// A global, named the first time and fetched afterwards.
    private mutating func global(_ module: String, _ name: String) {
        shared("c\(module)\n\(name)\n") { $0.bytes += Array("c\(module)\n\(name)\n".utf8) }
    }

    private mutating func sharedText(_ value: String) {
        shared("X\(value)") { $0.text(value) }
    }

    private mutating func shared(_ key: String, _ write: (inout TorchPickleWriter) -> Void) {
        if let index = memo[key] {
            // BINGET; a state dict of ours shares far fewer than 256 values.
            bytes += [UInt8(ascii: "h"), UInt8(truncatingIfNeeded: index)]
        } else {
            write(&self)
            bytes += [UInt8(ascii: "q"), UInt8(truncatingIfNeeded: memo.count)]
            memo[key] = memo.count
        }
    }

    private mutating func text(_ value: String) {
        op("X")
        bytes.appendLittleEndian(UInt32(truncatingIfNeeded: value.utf8.count))
        bytes += Array(value.utf8)
    }

    private mutating func integer(_ value: Int) {
        if let small = UInt8(exactly: value) {
            bytes += [UInt8(ascii: "K"), small]
        } else if let medium = Int32(exactly: value) {
            op("J")
            bytes.appendLittleEndian(medium)
        } else {
            bytes += [0x8A, 8]
            bytes.appendLittleEndian(Int64(value))
        }
    }

    private mutating func tuple(_ values: [Int]) {
        op("(")
        for value in values { integer(value) }
        op("t")
    }
}

extension UD2MError.Code {
    /// The format to be written has no such element type.
    public static let exportType = Self("export-dtype", .usage)
}
