import CUD2MCUDA

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The tables of the device's Fourier transforms of one length, and what a launch of them takes.
///
/// They are computed in double precision and rounded. A length that is no power of two is a convolution with a chirp
/// (Bluestein's algorithm) by transforms of `points` numbers.
final class FourierTables {
    /// As kernels take them.
    let structure: ud2m_cuda_fft_tables
    private let memory: [DeviceTensor]

    /// The longest line that is transformed.
    static let longest = 4096

    /// Makes the tables; `upload` brings numbers to the device.
    init(_ length: Int, _ upload: ([Float]) throws -> DeviceTensor) throws {
        let points = Self.points(length)
        let twiddles = try upload(Self.interleaved((0..<points).map { Self.turned(-2 * $0, points) }))
        guard points != length else {
            memory = [twiddles]
            structure = ud2m_cuda_fft_tables(
                length: Int32(length), points: Int32(points), twiddles: twiddles.elements, chirp: nil,
                chirp_spectrum: nil)
            return
        }
        // k² counts modulo twice the length, the period of the exponential.
        let chirp = (0..<length).map { Self.turned(-($0 * $0 % (2 * length)), length) }
        var wrapped = [SIMD2<Double>](repeating: .zero, count: points)
        for (index, value) in chirp.enumerated() {
            let conjugate = SIMD2(value[0], -value[1]) / Double(points)
            wrapped[index] = conjugate
            if index > 0 { wrapped[points - index] = conjugate }
        }
        memory = [
            twiddles, try upload(Self.interleaved(chirp)), try upload(Self.interleaved(Self.transformed(wrapped))),
        ]
        structure = ud2m_cuda_fft_tables(
            length: Int32(length), points: Int32(points), twiddles: memory[0].elements, chirp: memory[1].elements,
            chirp_spectrum: memory[2].elements)
    }

    /// Lines that a block transforms.
    private var lines: Int { max(2048 / Int(structure.points), 1) }

    /// Blocks for some lines of every image.
    func grid(_ count: Int, images: Int) -> DeviceGrid { DeviceGrid(x: wholeBlocks(count, of: lines), y: images) }

    /// Bytes of shared memory of a block; several lines lie one number apart from each other.
    var sharedBytes: Int { 8 * lines * (Int(structure.points) + (lines > 1 ? 1 : 0)) }

    /// The smallest power of two that a line is transformed by.
    private static func points(_ length: Int) -> Int {
        func powerOfTwo(from least: Int) -> Int {
            least <= 1 ? 1 : 1 << (Int.bitWidth - (least - 1).leadingZeroBitCount)
        }
        let points = powerOfTwo(from: length)
        return points == length ? points : powerOfTwo(from: 2 * length - 1)
    }

    /// exp(πi·step/count).
    private static func turned(_ step: Int, _ count: Int) -> SIMD2<Double> {
        let angle = Double.pi * Double(step) / Double(count)
        return SIMD2(cos(angle), sin(angle))
    }

    private static func interleaved(_ values: [SIMD2<Double>]) -> [Float] {
        values.flatMap { [Float($0[0]), Float($0[1])] }
    }

    /// The transform of a power of two of numbers.
    private static func transformed(_ values: [SIMD2<Double>]) -> [SIMD2<Double>] {
        let half = values.count / 2
        guard half > 0 else { return values }
        let even = transformed((0..<half).map { values[2 * $0] })
        let odd = transformed((0..<half).map { values[2 * $0 + 1] })
        var result = even + even
        for index in 0..<half {
            let (turn, value) = (turned(-2 * index, values.count), odd[index])
            let product = SIMD2(turn[0] * value[0] - turn[1] * value[1], turn[0] * value[1] + turn[1] * value[0])
            result[index] += product
            result[half + index] -= product
        }
        return result
    }
}
