import CUD2MKernelCases
import CUD2MKernels
import Foundation
import Testing

/// Deterministic values in -0.5 ..< 0.5.
struct KernelRandom {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    mutating func next() -> Float {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return Float((bits ^ (bits >> 31)) >> 40) * 0x1p-24 - 0.5
    }

    mutating func values(_ count: Int, gain: Float = 1, offset: Float = 0) -> [Float] {
        (0..<count).map { _ in next() * gain + offset }
    }
}

/// A compute pool that ends with its owner.
final class KernelPool {
    let handle: OpaquePointer

    init(threads: Int, isa: ud2m_isa? = nil) throws {
        handle = try #require(ud2m_pool_create(Int32(threads)))
        if let isa {
            try #require(ud2m_pool_select_isa(handle, isa))
        }
    }

    deinit {
        ud2m_pool_destroy(handle)
    }
}

/// Keeps owners of C memory alive up to here.
///
/// Kernels see pointers only, and Swift may release an owner after its last mention: each owner is followed by
/// `defer { keep(owner) }`.
func keep(_ owners: AnyObject...) {
    withExtendedLifetime(owners) {}
}

/// The tiers this machine runs, the reference included.
let runnableTiers: [ud2m_isa] = [UD2M_ISA_REFERENCE, UD2M_ISA_GENERIC, UD2M_ISA_AVX2, UD2M_ISA_AVX512, UD2M_ISA_NEON]
    .filter(ud2m_isa_available)

func isaName(_ isa: ud2m_isa) -> String {
    String(cString: ud2m_isa_name(isa))
}

/// The cases of one operation in the list that `scripts/kernels.sh` checks and times too (`Tools/kernels/cases.c`).
func sharedCases<Case>(_ list: (UnsafeMutablePointer<Int32>?) -> UnsafePointer<Case>?) -> [Case] {
    var count: Int32 = 0
    let first = list(&count)
    return Array(UnsafeBufferPointer(start: first, count: Int(count)))
}

/// The channels of a case's sources; absent ones are 0.
func caseSources(_ sources: (Int32, Int32, Int32)) -> [Int] {
    [sources.0, sources.1, sources.2].filter { $0 > 0 }.map { Int($0) }
}

/// Owned images in the kernels' block layout: the concatenation of sources, each starting at a block boundary.
/// New memory holds NaN, so a pixel that a kernel forgets is seen.
final class BlockImage {
    let sources: [Int]
    let height: Int
    let width: Int
    let blockCount: Int
    private let memory: UnsafeMutablePointer<Float>
    let blocks: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>
    let readOnlyBlocks: UnsafeMutablePointer<UnsafePointer<Float>?>

    init(sources: [Int], height: Int, width: Int) {
        self.sources = sources
        self.height = height
        self.width = width
        blockCount = sources.reduce(0) { $0 + Int(ud2m_block_count(Int32($1))) }
        let floats = blockCount * height * width * 16
        memory = .allocate(capacity: floats)
        memory.initialize(repeating: .nan, count: floats)
        blocks = .allocate(capacity: blockCount)
        readOnlyBlocks = .allocate(capacity: blockCount)
        for block in 0..<blockCount {
            let base = memory + block * height * width * 16
            (blocks + block).initialize(to: base)
            (readOnlyBlocks + block).initialize(to: UnsafePointer(base))
        }
    }

    /// Packs planar values, one source after the other.
    convenience init(sources: [Int], height: Int, width: Int, values: [Float]) {
        self.init(sources: sources, height: height, width: width)
        var first = 0
        var block = 0
        for channels in sources {
            values.withUnsafeBufferPointer { buffer in
                ud2m_pack_planes(
                    nil, buffer.baseAddress.map { $0 + first * height * width }, Int32(channels), Int32(height),
                    Int32(width), blocks + block)
            }
            first += channels
            block += Int(ud2m_block_count(Int32(channels)))
        }
    }

    deinit {
        memory.deallocate()
        blocks.deallocate()
        readOnlyBlocks.deallocate()
    }

    var planes: ud2m_planes {
        ud2m_planes(
            blocks: UnsafePointer(readOnlyBlocks), block_count: Int32(blockCount), height: Int32(height),
            width: Int32(width))
    }

    /// Slot of each channel, in order.
    var slots: [Int] {
        var result: [Int] = []
        var first = 0
        for channels in sources {
            result += (0..<channels).map { first + $0 }
            first += Int(ud2m_block_count(Int32(channels))) * 16
        }
        return result
    }

    /// Every float of the blocks, padding included.
    var raw: [Float] {
        Array(UnsafeBufferPointer(start: memory, count: blockCount * height * width * 16))
    }

    /// Planar values of the channels.
    var planar: [Float] {
        let pixels = height * width
        return slots.flatMap { slot in
            (0..<pixels).map { memory[(slot / 16 * pixels + $0) * 16 + slot % 16] }
        }
    }

    /// Whether all padding lanes hold exactly zero.
    var paddingIsZero: Bool {
        let used = Set(slots)
        let pixels = height * width
        return (0..<blockCount * 16).filter { !used.contains($0) }.allSatisfy { slot in
            (0..<pixels).allSatisfy { memory[(slot / 16 * pixels + $0) * 16 + slot % 16] == 0 }
        }
    }
}

/// Workspace of the size a kernel asked for, with a canary behind it.
final class Workspace {
    private let size: Int
    let memory: UnsafeMutableRawPointer

    init(_ size: Int) {
        self.size = size
        memory = .allocate(byteCount: size + 64, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0xA5, count: size + 64)
    }

    var canaryIsIntact: Bool {
        (size..<size + 64).allSatisfy { memory.load(fromByteOffset: $0, as: UInt8.self) == 0xA5 }
    }

    deinit {
        memory.deallocate()
    }
}

/// Root of the mean squared difference over the root of the mean square of what is expected; infinite if any value is
/// not finite.
func normalisedError(_ actual: [Float], _ expected: [Double]) -> Double {
    guard actual.count == expected.count else { return .infinity }
    var difference = 0.0
    var power = 0.0
    for (a, e) in zip(actual, expected) {
        guard a.isFinite else { return .infinity }
        difference += (Double(a) - e) * (Double(a) - e)
        power += e * e
    }
    return difference == 0 ? 0 : (difference / power).squareRoot()
}

extension ud2m_activation {
    /// The definition, in double.
    func callAsFunction(_ x: Double) -> Double {
        switch self {
        case UD2M_ACTIVATION_SILU: x / (1 + exp(-x))
        case UD2M_ACTIVATION_RELU: max(x, 0)
        case UD2M_ACTIVATION_SIGMOID: 1 / (1 + exp(-x))
        default: x
        }
    }
}
