/// Puts runs of elements into a zeroed dense tensor; where several meet in one place, their sum.
struct SparseScatter {
    private let whole: UnsafeMutableRawBufferPointer
    private let elementType: ElementType
    private let width: Int
    /// Which runs have been written; empty while runs cannot meet.
    private var isWritten: [Bool] = []
    private var block = 1

    /// A scatter into `whole`, of elements with a width of whole bytes.
    init(whole: UnsafeMutableRawBufferPointer, elementType: ElementType) {
        self.whole = whole
        self.elementType = elementType
        self.width = elementType.byteWidth ?? 1
    }

    /// Says that runs of `block` elements at `places` places may meet.
    mutating func addsRepeated(places: Int, block: Int) {
        isWritten = [Bool](repeating: false, count: places)
        self.block = max(block, 1)
    }

    /// Puts `count` elements of `bytes`, from element `start` on, at element `place`.
    /// - Throws: ``UD2MError`` with code `tensor-outside-storage`, or `conversion-unsupported` for elements that do not add.
    mutating func put(_ bytes: UnsafeRawBufferPointer, from start: Int, count: Int, at place: Int) throws {
        guard count > 0 else { return }
        guard let run = bytes.slice(start * width..<(start + count) * width), place >= 0,
            (place + count) * width <= whole.count
        else { throw TensorSource.outsideStorage }
        let target = UnsafeMutableRawBufferPointer(rebasing: whole[place * width..<(place + count) * width])
        guard !isWritten.isEmpty else { return target.copyMemory(from: run) }
        guard isWritten[place / block] else {
            isWritten[place / block] = true
            return target.copyMemory(from: run)
        }
        try add(run, to: target)
    }

    private func add(_ run: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer) throws {
        @inline(__always)
        func each<Element: BitwiseCopyable>(_: Element.Type, _ sum: (Element, Element) -> Element) {
            for offset in stride(from: 0, to: run.count, by: MemoryLayout<Element>.size) {
                let (left, right) = (
                    target.loadUnaligned(fromByteOffset: offset, as: Element.self),
                    run.loadUnaligned(fromByteOffset: offset, as: Element.self)
                )
                target.storeBytes(of: sum(left, right), toByteOffset: offset, as: Element.self)
            }
        }
        switch elementType {
        case .f64, .c128: each(Double.self, +)
        case .f32, .c64: each(Float.self, +)
        case .f16:
            each(UInt16.self) { HalfPrecision.half(HalfPrecision.float(half: $0) + HalfPrecision.float(half: $1)) }
        case .bf16:
            each(UInt16.self) {
                HalfPrecision.bfloat16(HalfPrecision.float(bfloat16: $0) + HalfPrecision.float(bfloat16: $1))
            }
        case .i64, .u64: each(UInt64.self, &+)
        case .i32, .u32: each(UInt32.self, &+)
        case .i16, .u16: each(UInt16.self, &+)
        case .i8, .u8: each(UInt8.self, &+)
        case .bool: each(UInt8.self, |)
        default:
            throw UD2MError(
                .conversionUnsupported, "\(elementType.rawValue) elements that meet in one place cannot be added.")
        }
    }
}
