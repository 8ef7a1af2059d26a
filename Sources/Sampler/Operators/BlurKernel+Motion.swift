import UD2MFormats
import UD2MRuntime

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Camera shake.
extension BlurKernel {
    /// Points of a trajectory for every pixel of its length.
    private static let pointsPerPixel = 32

    /// The trace of a smooth random motion at constant speed.
    ///
    /// A point moves `length` pixels; the rate at which it turns is a stationary Gaussian process with a memory of a
    /// quarter of the length. `intensity` is the standard deviation of the whole turn from start to end, in half turns:
    /// 0 is a straight line, 1 curls. Every position is spread over the four pixels around it, and the trace's centre of
    /// mass is the kernel's centre, so that the blur does not shift images.
    /// - Parameters:
    ///   - size: The side, odd and at least 3.
    ///   - seed: What direction and turns are drawn from.
    ///   - length: Pixels from start to end along the way, above 0 and below the size.
    ///   - intensity: 0 or more.
    /// - Returns: The kernel, its weights adding up to 1.
    /// - Throws: `UD2MError` with code `kernel-invalid` for a parameter out of range.
    public static func motion(size: Int, seed: UInt64, length: Double, intensity: Double = 0.5) throws -> BlurKernel {
        try requireSize(size)
        guard size >= 3, size % 2 == 1, length > 0, length <= Double(size - 1), (0...100).contains(intensity) else {
            throw UD2MError(
                .kernelInvalid,
                "A motion kernel of size \(size), length \(length) and intensity \(intensity) cannot be made.",
                remedy: "The size is odd and at least 3, the length above 0 and below the size, the intensity 0 to 100."
            )
        }
        let points = try trajectory(seed: seed, length: length, intensity: intensity)
        let count = Double(points.count)
        let centre = points.reduce((x: 0.0, y: 0.0)) { ($0.x + $1.x / count, $0.y + $1.y / count) }
        let middle = Double(size / 2)
        var weights = [Double](repeating: 0, count: size * size)
        for point in points {
            // No point is further from the centre of mass than half the length; rounding may still cross the edge.
            let x = min(max(point.x - centre.x + middle, 0), Double(size - 1))
            let y = min(max(point.y - centre.y + middle, 0), Double(size - 1))
            let (column, row) = (min(Int(x), size - 2), min(Int(y), size - 2))
            let (right, down) = (x - Double(column), y - Double(row))
            weights[row * size + column] += (1 - right) * (1 - down)
            weights[row * size + column + 1] += right * (1 - down)
            weights[(row + 1) * size + column] += (1 - right) * down
            weights[(row + 1) * size + column + 1] += right * down
        }
        return try BlurKernel(
            rows: size, columns: size, weights: weights,
            summary: "motion size \(size) seed \(seed) length \(length) intensity \(intensity)"
        ).normalized()
    }

    /// The positions on the way, at equal distances.
    private static func trajectory(
        seed: UInt64, length: Double, intensity: Double
    ) throws -> [(x: Double, y: Double)] {
        let count = pointsPerPixel * Int(length.rounded(.up))
        // An item of its own, so that the motion is independent of the noise that the same seed gives.
        let source = PhiloxNoise(seed: seed, item: 0x4D4F_5645)
        let draws = try source.normals(.mask, sample: 0, shape: [count]).values
        let start = try source.uniforms(.mask, sample: 1, shape: [1]).values
        let step = length / Double(count)
        // Over many memories of length/4, a rate of deviation r turns by r·length/√2.
        let rateDeviation = intensity * .pi * 2.0.squareRoot() / length
        let memory = exp(-4.0 / Double(count))
        let kick = (1 - memory * memory).squareRoot()
        var angle = 2 * Double.pi * Double(start[0])
        var rate = 0.0
        var (x, y) = (0.0, 0.0)
        return draws.enumerated().map { index, draw in
            rate = index == 0 ? rateDeviation * Double(draw) : memory * rate + rateDeviation * kick * Double(draw)
            angle += rate * step
            x += step * cos(angle)
            y += step * sin(angle)
            return (x, y)
        }
    }
}
