/// How a network trades rounding error for speed and memory (`kernels.md`, "Algorithms"). All arithmetic is float32.
public enum Precision: String, Sendable, Hashable, CaseIterable {
    /// 3×3 convolutions by Winograd F(2×2), which rounds less than the definition. About twice as slow as the default.
    case strict
    /// Winograd F(4×4) where it is faster: about twice the rounding error of the definition, 2·10⁻⁶ of a network's
    /// output (relative root mean square).
    case standard = "default"
    /// As the default, with the kernels of 3×3 convolutions rounded to float16 and held in memory: half the weights'
    /// memory, about 2·10⁻⁴ relative error a convolution, 4 to 6·10⁻⁴ of the output. A network with a weight beyond ±65504 in
    /// such a kernel is refused (`weight-range`).
    case halfWeights = "fp16-weights"
}
