/// Writes tensors as an `.npz` archive, which `numpy.load` opens: one stored `.npy` member each.
///
/// NumPy has no bfloat16 and no 8-bit floating-point types; such tensors are refused rather than written as something
/// else. The same input always gives the same bytes.
public struct NPZWriter {
    private let archive: ZipWriter

    /// Plans a file; nothing is read or written.
    /// - Parameter tensors: The tensors in file order; names must differ, aliases are tensors of their own.
    /// - Throws: ``UD2MError`` with code `export-dtype`, `store-tensor` or `archive-member`.
    public init(tensors: [TensorInput]) throws {
        archive = try ZipWriter(
            tensors.map { tensor in
                let location = UD2MError.Location(tensor: tensor.name.text)
                guard tensor.interpretation.torchType == nil,
                    let descriptor = NPYHeader.descriptor(tensor.elementType)
                else {
                    let name = tensor.interpretation.torchType ?? tensor.elementType.rawValue
                    throw UD2MError(
                        .exportType, "NumPy has no type for \(name) elements.", at: location,
                        remedy: Self.remedy(tensor))
                }
                guard let byteCount = tensor.elementType.byteCount(shape: tensor.shape), byteCount < 1 << 62 else {
                    throw UD2MError(.storeTensor, "The sizes of the tensor are more than any file has.", at: location)
                }
                let header = NPYHeader.bytes(descriptor: descriptor, shape: tensor.shape)
                return ZipWriter.Member(
                    name: tensor.name.bytes + Array(".npy".utf8), byteCount: header.count + byteCount
                ) { body in
                    try header.withUnsafeBytes(body)
                    do {
                        try tensor.bytes(body)
                    } catch let error as UD2MError {
                        throw error.located(in: location)
                    }
                }
            })
    }

    /// What to do about a tensor whose type NumPy lacks.
    private static func remedy(_ tensor: TensorInput) -> String {
        if tensor.interpretation.quantisation != nil {
            return "Write the numbers they stand for with --dequantise, or export as .pt or safetensors."
        }
        return tensor.interpretation.torchType == nil && tensor.elementType.isFloatingPoint
            ? "Convert them with --dtype f32." : "Export as safetensors, or as .pt where PyTorch has the type."
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
