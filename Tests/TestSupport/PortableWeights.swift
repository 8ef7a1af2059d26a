import Foundation
import UD2MFormats

/// Weights that any language can generate again from a tensor's name, so that no fixture needs to hold them
/// (`goldens.md` §11).
public enum PortableWeights {
    /// The 64-bit FNV-1a hash of a text.
    public static func fnv1a64(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// Numbers in [-0.5, 0.5): the top 24 bits of splitmix64 started at the key's hash.
    public static func uniform(_ key: String, count: Int) -> [Float] {
        var state = fnv1a64(key)
        return (0..<count).map { _ in
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            z ^= z >> 31
            return Float(z >> 40) / Float(1 << 24) - 0.5
        }
    }

    /// The weight of one tensor of a case: scaled by its fan-in and `gain`, or near one for gains and variances, or
    /// small for biases and means. Every operation rounds to float32.
    public static func weight(
        case name: String, tensor: String, shape: [Int], gain: Double = 1
    ) -> [Float] {
        let values = uniform("\(name):\(tensor)", count: shape.reduce(1, *))
        if shape.count >= 2 {
            let scale = Float(gain * (12 / Double(shape.dropFirst().reduce(1, *))).squareRoot())
            return values.map { $0 * scale }
        }
        let isSmall = tensor.hasSuffix("bias") || tensor.hasSuffix("running_mean")
        return isSmall ? values.map { 0.2 * $0 } : values.map { 1 + 0.3 * $0 }
    }

    /// Whether guided-diffusion's `convert_to_fp16` stores this tensor in half precision: weights and biases of the
    /// convolutions inside the three trunks (`networks.md` §1.3).
    public static func isHalfInMixedCheckpoint(_ tensor: String) -> Bool {
        let trunks = ["input_blocks.", "middle_block.", "output_blocks."]
        let convolutions = [
            ".in_layers.2.", ".out_layers.3.", ".skip_connection.", ".qkv.", ".proj_out.", ".op.", ".conv.",
            "input_blocks.0.0.",
        ]
        return trunks.contains(where: tensor.hasPrefix) && convolutions.contains(where: tensor.contains)
    }

    /// The little-endian half-precision bytes of floats, rounded to nearest even.
    public static func halfBytes(_ values: [Float]) -> [UInt8] {
        values.flatMap { value -> [UInt8] in
            let half = halfBits(value)
            return [UInt8(truncatingIfNeeded: half), UInt8(half >> 8)]
        }
    }

    /// The IEEE half nearest to a float; portable, because `Float16` is missing on macOS x86.
    private static func halfBits(_ value: Float) -> UInt16 {
        let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
        let magnitude = abs(value)
        // Below the smallest normal half the spacing is fixed; above, it follows the exponent.
        let exponent = max(magnitude == 0 ? -14 : Int(magnitude.exponent), -14)
        let spacing = Float(sign: .plus, exponent: exponent - 10, significand: 1)
        let steps = Int((magnitude / spacing).rounded(.toNearestOrEven))
        return sign | UInt16(clamping: (exponent + 14) * 1024 + steps)
    }
}
