/// Files of other tools: recognised, named, and refused (`formats.md` §1).
extension ContainerSniffer {
    /// Compressed files, which may hold a checkpoint.
    func compressedKind() -> UD2MError? {
        if let gzip = GzipHeader(bytes) { return gzip.error }
        // Those that hold one file write to standard output: they refuse names without a suffix of theirs otherwise.
        let kinds: [(magic: [UInt8], code: UD2MError.Code, name: String, command: String)] = [
            ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], .sevenZipFile, "7-Zip", "7z x FILE"),
            ([0x28, 0xB5, 0x2F, 0xFD], .zstdFile, "zstd", "zstd -dc FILE > OUT"),
            ([0x42, 0x5A, 0x68], .bzip2File, "bzip2", "bzip2 -dc FILE > OUT"),
            ([0xFD, 0x37, 0x7A, 0x58, 0x5A], .xzFile, "xz", "xz -dc FILE > OUT"),
            ([0x52, 0x61, 0x72, 0x21], .rarFile, "RAR", "unrar x FILE"),
        ]
        return kinds.first { has($0.magic) }.map { kind in
            UD2MError(
                kind.code, "This file is compressed with \(kind.name).", at: .init(byteOffset: 0),
                remedy: "If it holds a checkpoint, unpack it first: \(kind.command)")
        }
    }

    /// Models of other frameworks.
    func foreignKind() -> UD2MError? {
        func error(_ code: UD2MError.Code, _ name: String) -> UD2MError {
            UD2MError(
                code, "This is \(name), not a PyTorch or safetensors checkpoint.", at: .init(byteOffset: 0),
                remedy: "Look for the PyTorch or safetensors version of the model.")
        }
        if hasText("GGUF") { return error(.ggufModel, "a GGUF model") }
        if has([0x89, 0x48, 0x44, 0x46]) { return error(.hdf5Model, "an HDF5 (Keras) model") }
        if bytes.hasBytes("TFL3".utf8, at: 4) { return error(.tfliteModel, "a TensorFlow Lite model") }
        if isSavedModel { return error(.tensorFlowModel, "a TensorFlow saved model") }
        if isCoreML { return error(.coreMLModel, "a Core ML model") }
        if isONNX { return error(.onnxModel, "an ONNX model") }
        return nil
    }

    /// saved_model_schema_version 1, then a graph, whose list of operations comes first; every graph has one of these.
    ///
    /// It starts like a Core ML model, so it is tried before that.
    private var isSavedModel: Bool {
        guard has([0x08, 0x01, 0x12]) else { return false }
        let start = String(decoding: bytes.prefix(1 << 16), as: UTF8.self)
        return ["VarHandleOp", "ReadVariableOp", "StatefulPartitionedCall", "MergeV2Checkpoints"].contains {
            start.contains($0)
        }
    }

    /// Both ONNX and Core ML are a protobuf message whose first field is a small version number.
    private var hasVersionField: Bool {
        bytes.count > 4 && bytes[0] == 0x08 && (1...32).contains(bytes[1])
    }

    /// specificationVersion, then the description (field 2), a message that starts with a feature or with metadata.
    private var isCoreML: Bool {
        guard hasVersionField, bytes[2] == 0x12 else { return false }
        // The length of the description is a varint of one to four bytes.
        var position = 3
        while position < min(bytes.count, 7), bytes[position] & 0x80 != 0 { position += 1 }
        guard position + 1 < bytes.count else { return false }
        return [0x0A, 0x52, 0x5A, 0xA2].contains(bytes[position + 1])
    }

    /// ir_version, then another length-delimited field of ModelProto, or the model's version.
    private var isONNX: Bool {
        hasVersionField && [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42].contains(bytes[2])
    }
}
