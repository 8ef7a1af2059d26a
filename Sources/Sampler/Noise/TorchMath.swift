/// The float32 logarithm, sine and cosine with which PyTorch makes normal numbers on machines with AVX2: the polynomials of
/// the Cephes library (S. Moshier), with products and sums rounded once where its compiler fuses them.
enum TorchMath {
    private static let logarithm: [Float] = [
        7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
        2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    ]
    private static let sine: [Float] = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]
    private static let cosine: [Float] = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]
    /// −π/4 in three parts, so that an angle's remainder is exact.
    private static let quarterTurn: [Float] = [-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8]

    /// The natural logarithm of a positive number; smaller ones than the smallest normal count as that.
    static func log(_ value: Float) -> Float {
        let positive = max(value, .leastNormalMagnitude)
        var exponent = Float(Int32(positive.bitPattern >> 23) - 127)
        // The fraction in [0.5, 1).
        let fraction = Float(bitPattern: positive.bitPattern & ~0x7F80_0000 | Float(0.5).bitPattern)
        exponent += 1
        var x = fraction - 1
        if fraction < 0.707106781186547524 {
            exponent -= 1
            x += fraction
        }
        let square = x * x
        var y = (exponent * -2.12194440e-4).addingProduct(polynomial(logarithm, at: x) * x, square)
        y = y.addingProduct(-0.5, square)
        return (x + y).addingProduct(exponent, 0.693359375)
    }

    /// Sine and cosine of an angle in [0, 2π].
    static func sineAndCosine(_ angle: Float) -> (sine: Float, cosine: Float) {
        // The even octant, and the remainder from it.
        let octant = (Int32(angle * 1.27323954473516) + 1) & ~1
        let x = quarterTurn.reduce(angle) { $0.addingProduct(Float(octant), $1) }
        let square = x * x
        let even = (-0.5 * square).addingProduct(polynomial(cosine, at: square) * square, square) + 1
        let odd = x.addingProduct(polynomial(sine, at: square) * square, x)
        let isSwapped = octant & 2 != 0
        let sine = isSwapped ? even : odd
        let cosine = isSwapped ? odd : even
        return (octant & 4 == 0 ? sine : -sine, (octant - 2) & 4 == 0 ? -cosine : cosine)
    }

    /// Horner's rule, highest power first.
    private static func polynomial(_ coefficients: [Float], at x: Float) -> Float {
        coefficients.dropFirst().reduce(coefficients[0]) { $1.addingProduct($0, x) }
    }
}
