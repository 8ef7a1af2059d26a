import UD2MFormats
import UD2MRuntime

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Noise computed from (seed, item, sample, draw, position) alone.
///
/// The values therefore do not depend on threads, on the order of the draws, or on what else a batch holds.
public struct PhiloxNoise: NoiseSource {
    private let key: SIMD2<UInt32>

    /// Creates the source of one item.
    /// - Parameters:
    ///   - seed: The run's seed.
    ///   - item: What tells the images of a run apart; the same number gives the same noise in every batch.
    public init(seed: UInt64, item: UInt64 = 0) {
        // One more pass of the generator turns the 128 bits into a key; "UD2M" keeps it apart from the draws below.
        let words = Philox.block(
            counter: SIMD4(UInt32(truncatingIfNeeded: item), UInt32(truncatingIfNeeded: item >> 32), 0x5544_324D, 0),
            key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
        key = SIMD2(words[0], words[1])
    }

    /// Independent standard normal values, four a block by the Box–Muller transform in double precision.
    ///
    /// The radius uses a 32-bit uniform, so no value lies beyond 6.66.
    public func normals(_ draw: NoiseDraw, sample: UInt32, shape: [Int]) throws -> Tensor {
        try fill(draw, sample, shape) { words in
            let first = Self.polar(words[0], words[1])
            let second = Self.polar(words[2], words[3])
            return SIMD4(first[0], first[1], second[0], second[1])
        }
    }

    /// Independent uniform values with 24 random bits each.
    public func uniforms(_ draw: NoiseDraw, sample: UInt32, shape: [Int]) throws -> Tensor {
        try fill(draw, sample, shape) { words in SIMD4<Float>(words &>> 8) * 0x1p-24 }
    }

    /// What a device makes the same normal values from.
    package func deviceDraw(_ draw: NoiseDraw, sample: UInt32) -> DeviceDraw {
        let name = draw.words
        return DeviceDraw(key: key, position: name.position, kind: name.kind, sample: sample)
    }

    /// Two normal values from two words.
    private static func polar(_ radiusWord: UInt32, _ angleWord: UInt32) -> SIMD2<Float> {
        let radius = (-2 * log((Double(radiusWord) + 1) * 0x1p-32)).squareRoot()
        let angle = 2 * Double.pi * (Double(angleWord) * 0x1p-32)
        return SIMD2(Float(radius * cos(angle)), Float(radius * sin(angle)))
    }

    private func fill(
        _ draw: NoiseDraw, _ sample: UInt32, _ shape: [Int], _ values: (SIMD4<UInt32>) -> SIMD4<Float>
    ) throws -> Tensor {
        var tensor = try Tensor(shape: shape, repeating: 0)
        let blocks = (tensor.values.count + 3) / 4
        guard UInt32(exactly: blocks) != nil else {
            throw UD2MError(.noiseDraw, "A draw of shape \(shape) is longer than the generator's period.")
        }
        let name = draw.words
        tensor.withMutableValues { out in
            for block in 0..<blocks {
                let counter = SIMD4(UInt32(truncatingIfNeeded: block), name.position, name.kind, sample)
                let four = values(Philox.block(counter: counter, key: key))
                for lane in 0..<min(4, out.count - 4 * block) { out[4 * block + lane] = four[lane] }
            }
        }
        return tensor
    }
}

extension NoiseDraw {
    /// The draw as two words of a counter.
    fileprivate var words: (kind: UInt32, position: UInt32) {
        switch self {
        case .observation: (1, 0)
        case .mask: (2, 0)
        case .initialState: (3, 0)
        case .denoising(let step, let iteration): (4, UInt32(step) << 16 | UInt32(iteration))
        case .transition(let step, let part): (5, UInt32(step) << 16 | UInt32(part))
        }
    }
}
