extension TensorSource {
    /// The real numbers that a quantised tensor stands for, as F32; computed when its bytes are asked for.
    ///
    /// Each is `scale · (integer − zero point)`, computed and rounded step by step as `torch.dequantize` does, so that the
    /// bits are the same.
    /// - Parameters:
    ///   - scales: The scales of the channels, [C]; needed when the tensor has an axis.
    ///   - zeroPoints: The zero points of the channels, [C].
    /// - Returns: A dense tensor of the same name, path and shape.
    /// - Throws: ``UD2MError`` with code `tensor-not-dequantisable` for integers that share bytes in an unknown order, and
    ///   for channels without their scales.
    public func dequantised(scales: TensorSource? = nil, zeroPoints: TensorSource? = nil) throws -> TensorSource {
        func error(_ message: String) -> UD2MError {
            UD2MError(
                .tensorNotDequantisable, message, at: .init(tensor: name.text),
                remedy: "Leave the tensor as it is.")
        }
        guard let quantisation else { return self }
        let perByte = torchType.flatMap { ["quint4x2": 2, "quint2x4": 4][$0] } ?? 1
        guard let shape = perByte == 1 ? self.shape : quantisation.packedShape,
            let byteCount = ElementType.f32.byteCount(shape: shape), byteCount / 4 <= elementCount * perByte
        else { throw error("The order of the tensor's \(elementTypeName) elements is not known.") }
        if let axis = quantisation.axis {
            guard shape.indices.contains(axis), let scales, let zeroPoints, scales.shape == [shape[axis]],
                zeroPoints.shape == [shape[axis]], scales.elementType.numbersPerElement == 1,
                zeroPoints.elementType.numbersPerElement == 1
            else { throw error("The scales and zero points of the tensor's channels are not beside it.") }
        }
        return TensorSource(
            name: name, path: path, elementType: .f32, shape: shape, strides: Self.denseStrides(shape),
            elementOffset: 0,
            storage: DequantisedStorage(
                integers: self, shape: shape, perByte: perByte, scales: scales, zeroPoints: zeroPoints,
                byteCount: byteCount))
    }
}

/// A quantised tensor's numbers, computed in memory when they are asked for.
private final class DequantisedStorage: TensorStorage {
    let byteCount: Int
    let isBigEndian = false
    private let integers: TensorSource
    private let shape: [Int]
    private let perByte: Int
    private let scales: TensorSource?
    private let zeroPoints: TensorSource?

    var key: String { integers.storage.key }

    init(
        integers: TensorSource, shape: [Int], perByte: Int, scales: TensorSource?, zeroPoints: TensorSource?,
        byteCount: Int
    ) {
        self.integers = integers
        self.shape = shape
        self.perByte = perByte
        self.scales = scales
        self.zeroPoints = zeroPoints
        self.byteCount = byteCount
    }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        guard byteCount > 0 else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        let scales = try self.scales?.numbers() ?? [integers.quantisation?.scale ?? 1]
        let zeroPoints = try self.zeroPoints?.numbers() ?? [Double(integers.quantisation?.zeroPoint ?? 0)]
        // Elements that follow each other within one channel.
        let run = integers.quantisation?.axis.map { shape[($0 + 1)...].reduce(1, *) } ?? byteCount / 4
        let stored = try integers.numbers()
        let values = perByte == 1 ? stored : unpacked(stored)
        let arithmetic = TorchArithmetic(integers.quantisation)
        let floats = (0..<byteCount / 4).map { index in
            let channel = index / max(run, 1) % max(scales.count, 1)
            return arithmetic.number(values[index], scale: scales[channel], zeroPoint: zeroPoints[channel])
        }
        return try floats.withUnsafeBytes(body)
    }

    /// The integers of bytes that hold several each, the lowest bits first.
    private func unpacked(_ bytes: [Double]) -> [Double] {
        let bits = 8 / perByte
        return bytes.flatMap { byte in
            (0..<perByte).map { Double(Int(byte) >> ($0 * bits) & (1 << bits - 1)) }
        }
    }
}

/// The steps in which torch turns integers into numbers, which differ by scheme.
private enum TorchArithmetic {
    /// One scale: a difference of 32-bit integers, which wraps, times the scale in single precision.
    case tensor
    /// Scales of the channels in double precision: a difference in single precision, a product in double.
    case channels
    /// Scales and zero points of the channels in single precision: everything in single precision.
    case singleChannels

    init(_ quantisation: TensorQuantisation?) {
        self =
            quantisation?.axis == nil
            ? .tensor : quantisation?.scheme == "per_channel_affine_float_qparams" ? .singleChannels : .channels
    }

    func number(_ value: Double, scale: Double, zeroPoint: Double) -> Float {
        switch self {
        case .tensor:
            // Both are integers that doubles hold exactly; a zero point beyond 64 bits makes no sense in any scheme.
            guard let stored = Int32(exactly: value), let zero = Int64(exactly: zeroPoint) else {
                return Float(scale) * Float(value - zeroPoint)
            }
            return Float(scale) * Float(stored &- Int32(truncatingIfNeeded: zero))
        case .channels: return Float(Double(Float(value) - Float(zeroPoint)) * scale)
        case .singleChannels: return (Float(value) - Float(zeroPoint)) * Float(scale)
        }
    }
}

extension TensorSource {
    /// Every number of the tensor in row-major order; for tensors that fit into memory.
    func numbers() throws -> [Double] {
        var numbers: [Double] = []
        numbers.reserveCapacity(elementCount)
        var piece: [Double] = []
        try stream(as: elementType) { bytes in
            // Room for two numbers a byte, as 4-bit elements are.
            piece = [Double](repeating: 0, count: 2 * bytes.count)
            let count = piece.withUnsafeMutableBufferPointer { elementType.doubles(bytes, into: $0) }
            numbers += piece[..<(count ?? 0)]
        }
        return numbers
    }
}

extension UD2MError.Code {
    /// A quantised tensor lacks what its numbers could be computed from.
    public static let tensorNotDequantisable = Self("tensor-not-dequantisable", .badData)
}
