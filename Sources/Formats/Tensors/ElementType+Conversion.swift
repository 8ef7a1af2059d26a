extension UD2MError.Code {
    /// There is no conversion between two element types.
    public static let conversionUnsupported = Self("conversion-unsupported", .badData)
    /// A buffer has not the size that a conversion needs.
    public static let conversionSize = Self("conversion-size", .internalBug)
}

/// What a conversion could not keep.
public struct ConversionLoss: Sendable, Hashable {
    /// Finite numbers that became infinite.
    public var overflows = 0
    /// Booleans stored as something other than 0 or 1 that became 1.
    public var normalizedBooleans = 0

    /// Nothing lost.
    public init() {}
}

extension ElementType {
    /// Whether elements of this type can become `other`: itself, or one floating-point type another, or any real type
    /// single precision.
    public func isConvertible(to other: ElementType) -> Bool {
        if self == other { return true }
        if isFloatingPoint, other.isFloatingPoint { return true }
        switch self {
        case .i64, .i32, .i16, .i8, .u64, .u32, .u16, .u8, .bool: return other == .f32
        default: return false
        }
    }

    /// Converts little-endian elements, at any alignment, to another type.
    ///
    /// Narrowing rounds to nearest, ties to even; what is too large becomes infinite and is counted in `loss`, to which
    /// this adds. `target` has room for exactly as many elements as `source` has.
    /// - Throws: ``UD2MError`` with code `conversion-unsupported` or `conversion-size`.
    public func convert(
        _ source: UnsafeRawBufferPointer, to type: ElementType, into target: UnsafeMutableRawBufferPointer,
        loss: inout ConversionLoss
    ) throws {
        guard isConvertible(to: type) else {
            throw UD2MError(.conversionUnsupported, "\(rawValue) elements cannot become \(type.rawValue).")
        }
        if self == type {
            guard source.count == target.count else { throw Self.sizeError }
            target.copyMemory(from: source)
            if self == .bool { loss.normalizedBooleans += Self.normalizeBooleans(target) }
            return
        }
        guard let width = byteWidth, let targetWidth = type.byteWidth, source.count % width == 0,
            target.count == source.count / width * targetWidth
        else { throw Self.sizeError }
        guard let from = source.baseAddress, let into = target.baseAddress else { return }
        let loop = ConversionLoop(from: from, into: into, count: source.count / width)
        loss.overflows += run(loop, to: type)
    }

    private static var sizeError: UD2MError {
        UD2MError(.conversionSize, "The buffers of a conversion do not fit each other.")
    }

    /// Makes every byte that is not 0 a 1, and returns how many were neither.
    private static func normalizeBooleans(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
        var changed = 0
        for index in bytes.indices where bytes[index] > 1 {
            bytes[index] = 1
            changed += 1
        }
        return changed
    }

    /// Runs the loop for a pair of types; returns the overflows.
    private func run(_ loop: ConversionLoop, to type: ElementType) -> Int {
        // Widened to the type that holds all of its values, then narrowed.
        switch self {
        case .f64: return loop.narrow(to: type) { (bits: UInt64) in Double(bitPattern: bits) }
        case .f32: return loop.narrow(to: type) { (bits: UInt32) in Float(bitPattern: bits) }
        case .f16: return loop.narrow(to: type) { (bits: UInt16) in HalfPrecision.float(half: bits) }
        case .bf16: return loop.narrow(to: type) { (bits: UInt16) in HalfPrecision.float(bfloat16: bits) }
        case .i64: loop.map { (value: Int64) in Float(value).bitPattern }
        case .i32: loop.map { (value: Int32) in Float(value).bitPattern }
        case .i16: loop.map { (value: Int16) in Float(value).bitPattern }
        case .i8: loop.map { (value: Int8) in Float(value).bitPattern }
        case .u64: loop.map { (value: UInt64) in Float(value).bitPattern }
        case .u32: loop.map { (value: UInt32) in Float(value).bitPattern }
        case .u16: loop.map { (value: UInt16) in Float(value).bitPattern }
        case .u8: loop.map { (value: UInt8) in Float(value).bitPattern }
        case .bool: loop.map { (value: UInt8) in (value == 0 ? 0 : 1 as Float).bitPattern }
        default: break
        }
        return 0
    }
}

/// A loop over elements at any alignment; its bodies are inlined and become SIMD code.
private struct ConversionLoop {
    let from: UnsafeRawPointer
    let into: UnsafeMutableRawPointer
    let count: Int

    /// Converts each element.
    @inline(__always)
    func map<Source: FixedWidthInteger, Target: FixedWidthInteger>(_ body: (Source) -> Target) {
        for index in 0..<count {
            let source = from.loadUnaligned(fromByteOffset: index * MemoryLayout<Source>.size, as: Source.self)
            into.storeBytes(
                of: body(Source(littleEndian: source)).littleEndian,
                toByteOffset: index * MemoryLayout<Target>.size, as: Target.self)
        }
    }

    /// Converts each element and counts those for which a finite value became infinite.
    @inline(__always)
    func count<Source: FixedWidthInteger, Target: FixedWidthInteger>(
        _ body: (Source) -> (bits: Target, overflows: Bool)
    ) -> Int {
        var total = 0
        var start = 0
        // Counted in 32 bits within a block, so that the counter is no wider than the elements.
        while start < count {
            let end = min(start + 1 << 20, count)
            var overflows: UInt32 = 0
            for index in start..<end {
                let source = from.loadUnaligned(fromByteOffset: index * MemoryLayout<Source>.size, as: Source.self)
                let result = body(Source(littleEndian: source))
                overflows &+= result.overflows ? 1 : 0
                into.storeBytes(
                    of: result.bits.littleEndian, toByteOffset: index * MemoryLayout<Target>.size, as: Target.self)
            }
            total += Int(overflows)
            start = end
        }
        return total
    }

    /// Single precision, and what widens to it, to any floating-point type.
    @inline(__always)
    func narrow<Source: FixedWidthInteger>(to type: ElementType, _ value: (Source) -> Float) -> Int {
        switch type {
        case .f64:
            map { (bits: Source) in Double(value(bits)).bitPattern }
        case .f16:
            return count { (bits: Source) in
                let value = value(bits)
                let half = HalfPrecision.half(value)
                return (half, half & 0x7FFF == 0x7C00 && value.bitPattern & 0x7FFF_FFFF != 0x7F80_0000)
            }
        case .bf16:
            return count { (bits: Source) in
                let value = value(bits)
                let narrow = HalfPrecision.bfloat16(value)
                return (narrow, narrow & 0x7FFF == 0x7F80 && value.bitPattern & 0x7FFF_FFFF != 0x7F80_0000)
            }
        default:
            map { (bits: Source) in value(bits).bitPattern }
        }
        return 0
    }

    /// Double precision to any narrower floating-point type.
    @inline(__always)
    func narrow<Source: FixedWidthInteger>(to type: ElementType, _ value: (Source) -> Double) -> Int {
        switch type {
        case .f16:
            return count { (bits: Source) in
                let value = value(bits)
                let half = HalfPrecision.half(HalfPrecision.oddRounded(value))
                return (half, half & 0x7FFF == 0x7C00 && !value.isInfinite)
            }
        case .bf16:
            return count { (bits: Source) in
                let value = value(bits)
                let narrow = HalfPrecision.bfloat16(HalfPrecision.oddRounded(value))
                return (narrow, narrow & 0x7FFF == 0x7F80 && !value.isInfinite)
            }
        default:
            return count { (bits: Source) in
                let value = value(bits)
                let single = Float(value)
                return (single.bitPattern, single.isInfinite && !value.isInfinite)
            }
        }
    }
}
