import UD2MFormats

/// The bytes of a changed tensor, computed piece by piece when they are asked for.
final class MergedStorage: TensorStorage {
    let byteCount: Int
    let isBigEndian = false
    let elementType: ElementType
    private let base: TensorSource
    private let steps: [MergeStep]
    private let arithmetic: MergeArithmetic
    private let ledger: MergeLedger

    var key: String { base.storage.key }

    init(
        base: TensorSource, steps: [MergeStep], elementType: ElementType, arithmetic: MergeArithmetic,
        ledger: MergeLedger
    ) {
        self.base = base
        self.steps = steps
        self.elementType = elementType
        self.arithmetic = arithmetic
        self.ledger = ledger
        byteCount = elementType.byteCount(shape: base.shape) ?? 0
    }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(byteCount, 1), alignment: 64)
        defer { bytes.deallocate() }
        var filled = 0
        try compute(pieceBytes: 256 << 10) { piece in
            UnsafeMutableRawBufferPointer(rebasing: bytes[filled...]).copyMemory(from: piece)
            filled += piece.count
        }
        return try body(UnsafeRawBufferPointer(rebasing: bytes[..<byteCount]))
    }

    func stream(
        _ range: Range<Int>, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard range == 0..<byteCount else {
            return try withBytes(in: range) { bytes in
                for start in stride(from: 0, to: bytes.count, by: max(pieceBytes, 1)) {
                    try body(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + pieceBytes, bytes.count)]))
                }
            }
        }
        try compute(pieceBytes: pieceBytes, body)
    }

    private func compute(pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let overflows =
            switch arithmetic {
            case .f32: try compute(Float.self, pieceBytes: pieceBytes, body)
            case .f64: try compute(Double.self, pieceBytes: pieceBytes, body)
            }
        ledger.record(overflows, for: base.name)
    }

    /// Refuses sums that single precision, or the precision of the merge, cannot hold where the base's own number is finite.
    /// The smaller types overflow by rounding, which is counted.
    private func requireFinite<Number: MergeNumber>(
        _ merged: UnsafeMutableBufferPointer<Number>, _ part: MergePart
    ) throws(UD2MError) {
        let isNarrowed = elementType == .f32 && base.elementType != .f64
        let largest = isNarrowed ? Number(Float.greatestFiniteMagnitude) : .greatestFiniteMagnitude
        if merged.allSatisfy({ $0.magnitude <= largest }) { return }
        for index in merged.indices where !(merged[index].magnitude <= largest) {
            let original = part.original.loadUnaligned(
                fromByteOffset: index * MemoryLayout<Number>.size, as: Number.self)
            guard original.isFinite else { continue }
            throw UD2MError(
                .adapterNotFinite, "The changed tensor would have numbers that are not finite.",
                at: .init(tensor: base.name.text),
                remedy:
                    "The factors' product or the scale is beyond what \(isNarrowed ? "f32" : elementType.rawValue) holds: "
                    + "check the adapter, --scale and --weight.")
        }
    }

    /// Streams the base's tensor, adds every change to each piece and rounds it; returns the overflows.
    private func compute<Number: MergeNumber>(
        _: Number.Type, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Int {
        let changes = try steps.map { try CompiledChange<Number>($0, isAlone: steps.count == 1, base: base) }
        var loss = ConversionLoss()
        var start = 0
        var merged: [Number] = []
        var rounded: [UInt8] = []
        let width = elementType.byteWidth ?? 1
        try base.stream(as: Number.elementType, pieceBytes: pieceBytes) { bytes in
            let count = bytes.count / MemoryLayout<Number>.size
            if merged.count != count {
                merged = [Number](repeating: 0, count: count)
                rounded = [UInt8](repeating: 0, count: count * width)
            }
            try merged.withUnsafeMutableBufferPointer { merged in
                UnsafeMutableRawBufferPointer(merged).copyMemory(from: bytes)
                let part = MergePart(original: bytes, start: start, count: count)
                for change in changes { try change.add(to: merged, part) }
                try requireFinite(merged, part)
                guard elementType != Number.elementType else { return try body(UnsafeRawBufferPointer(merged)) }
                try rounded.withUnsafeMutableBytes { target in
                    try Number.elementType.convert(
                        UnsafeRawBufferPointer(merged), to: elementType, into: target, loss: &loss)
                    try body(UnsafeRawBufferPointer(target))
                }
            }
            start += count
        }
        return loss.overflows
    }
}

/// A run of a tensor's elements in row-major order.
struct MergePart {
    /// The base's own elements in the precision of the merge, at any alignment.
    let original: UnsafeRawBufferPointer
    /// The first element's place in the tensor.
    let start: Int
    /// How many.
    let count: Int
}

extension TensorSource {
    /// A tensor of a base with changes made to it in double precision, computed when it is read.
    init(merging steps: [MergeStep], into base: TensorSource, as type: ElementType) {
        self.init(
            name: base.name, path: base.path, elementType: type, shape: base.shape,
            strides: TensorSource.denseStrides(base.shape), elementOffset: 0,
            storage: MergedStorage(
                base: base, steps: steps, elementType: type, arithmetic: .f64, ledger: MergeLedger()))
    }
}
