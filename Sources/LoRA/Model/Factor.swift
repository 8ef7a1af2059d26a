import UD2MFormats
import UD2MLinearAlgebra

/// A matrix of an adapter, described; its numbers are read when asked for.
public struct Factor: Sendable {
    /// The stored tensor.
    public let tensor: TensorSource
    /// The core of a Tucker decomposition, [rows, tensor's rows, k…], which is multiplied onto the tensor; nil for most.
    public let core: TensorSource?
    /// Whether the stored matrix is the transpose.
    public let isTransposed: Bool
    /// Rows of the matrix.
    public let rows: Int
    /// Columns of the matrix: inputs times positions of a kernel.
    public let columns: Int

    /// Takes a tensor as a matrix of its outermost dimension by all others, or as the transpose of that.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-shape` when it has no dimension, or none of its numbers.
    public init(_ tensor: TensorSource, transposed: Bool = false) throws(UD2MError) {
        try Self.requireMatrix(tensor)
        let (outer, inner) = (tensor.shape[0], tensor.shape.dropFirst().reduce(1, *))
        self.tensor = tensor
        core = nil
        isTransposed = transposed
        (rows, columns) = transposed ? (inner, outer) : (outer, inner)
    }

    /// Multiplies a core [p, q, k…] with a matrix [q, inputs]: [p, inputs·k…], as convolutions in Tucker form need it.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-shape` when the two do not fit.
    public init(core: TensorSource, _ tensor: TensorSource) throws(UD2MError) {
        try Self.requireMatrix(tensor)
        try Self.requireMatrix(core)
        let inputs = tensor.shape.dropFirst().reduce(1, *)
        guard core.shape.count >= 2, core.shape[1] == tensor.shape[0] else {
            throw UD2MError(
                .adapterShape, "The core \(core.shape) does not fit the factor \(tensor.shape).",
                at: .init(tensor: core.name.text))
        }
        self.tensor = tensor
        self.core = core
        isTransposed = false
        rows = core.shape[0]
        columns = inputs * core.shape.dropFirst(2).reduce(1, *)
    }

    private static func requireMatrix(_ tensor: TensorSource) throws(UD2MError) {
        func error(_ code: UD2MError.Code, _ message: String) -> UD2MError {
            UD2MError(code, message, at: .init(tensor: tensor.name.text))
        }
        guard tensor.elementType.isFloatingPoint, tensor.torchType == nil else {
            throw error(.adapterShape, "A factor must be floating-point numbers, not \(tensor.elementTypeName).")
        }
        guard tensor.shape.count >= 1 else { throw error(.adapterShape, "A factor cannot be a single number.") }
        guard tensor.elementCount > 0 else { throw error(.adapterRank, "The factor \(tensor.shape) has rank 0.") }
    }

    /// The tensors it is made of.
    var tensors: [TensorSource] { [tensor] + [core].compactMap(\.self) }

    /// The numbers, row by row.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-not-finite`, or what reading throws.
    func values<Number: MergeNumber>(_: Number.Type = Number.self) throws -> [Number] {
        let stored: [Number] = try tensor.finiteValues()
        if let core { return try contracted(stored, core: core.finiteValues(), coreShape: core.shape) }
        return isTransposed ? stored.transposed(columns: rows) : stored
    }

    private func contracted<Number: MergeNumber>(_ stored: [Number], core: [Number], coreShape: [Int]) -> [Number] {
        let (inner, kernel) = (coreShape[1], coreShape.dropFirst(2).reduce(1, *))
        let inputs = columns / max(kernel, 1)
        var values = [Number](repeating: 0, count: rows * columns)
        for p in 0..<rows {
            for q in 0..<inner {
                for input in 0..<inputs {
                    let number = stored[q * inputs + input]
                    // A kernel has few positions: plain sums, whose rounding does not matter beside the factors' own.
                    for position in 0..<kernel {
                        values[p * columns + input * kernel + position] +=
                            core[(p * inner + q) * kernel + position] * number
                    }
                }
            }
        }
        return values
    }

    /// The numbers in single precision, row by row.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-not-finite`, or what reading throws.
    public func floats() throws -> [Float] { try values() }

    /// The matrix in double precision.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-not-finite`, `matrix-shape`, or what reading throws.
    public func matrix() throws -> Matrix { try Matrix(rows: rows, columns: columns, values: values(Double.self)) }
}

extension TensorSource {
    /// Every number, in row-major order; for the small tensors of adapters.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-not-finite`, or what reading throws.
    func finiteValues<Number: MergeNumber>() throws -> [Number] {
        let numbers: [Number] = try values()
        guard numbers.allSatisfy(\.isFinite) else {
            throw UD2MError(
                .adapterNotFinite, "The tensor has numbers that are not finite.",
                at: .init(tensor: name.text),
                remedy: "Its training diverged, or the file is damaged.")
        }
        return numbers
    }

    /// Every number, in row-major order.
    func values<Number: MergeNumber>() throws -> [Number] {
        var numbers: [Number] = []
        numbers.reserveCapacity(elementCount)
        try stream(as: Number.elementType) { bytes in
            for offset in stride(from: 0, to: bytes.count, by: MemoryLayout<Number>.size) {
                numbers.append(bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
            }
        }
        return numbers
    }

    /// The one number of a tensor with one element.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-shape` for more elements than one or no number.
    func number() throws -> Double {
        guard elementCount == 1, elementType.numbersPerElement == 1 else {
            throw UD2MError(
                .adapterShape, "A single number is expected here, not \(elementTypeName) \(shape).",
                at: .init(tensor: name.text))
        }
        var value = [Double.nan]
        try withContiguousBytes { bytes in
            _ = value.withUnsafeMutableBufferPointer { elementType.doubles(bytes, into: $0) }
        }
        guard value[0].isFinite else {
            throw UD2MError(.adapterNotFinite, "The number is not finite.", at: .init(tensor: name.text))
        }
        return value[0]
    }
}
