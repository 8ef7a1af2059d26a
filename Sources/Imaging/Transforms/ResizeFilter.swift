#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How samples between pixels are found.
public enum ResizeFilter: String, Sendable, Hashable, CaseIterable {
    /// The nearest pixel.
    case nearest
    /// A triangle of radius 1.
    case bilinear
    /// The cubic convolution kernel of Keys (1981) with a = -1/2, of radius 2.
    case bicubic
    /// Between two neighbours, with the first pixels of both grids in the same place and no antialiasing: what TensorFlow 1
    /// called bilinear.
    case cornerBilinear

    /// Pixels to each side that the kernel reaches.
    var radius: Double {
        switch self {
        case .nearest: 0.5
        case .bilinear, .cornerBilinear: 1
        case .bicubic: 2
        }
    }

    /// The kernel's value at `distance` pixels.
    func weight(at distance: Double) -> Double {
        let x = abs(distance)
        switch self {
        case .nearest: return x <= 0.5 ? 1 : 0
        case .bilinear, .cornerBilinear: return max(1 - x, 0)
        case .bicubic:
            let a = -0.5
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
            return 0
        }
    }

    /// The source pixels of every output pixel along one axis.
    ///
    /// Pixel centres are at half integers in both grids, but for `cornerBilinear`. With `antialias` the kernel is stretched by the reduction, so
    /// that every source pixel counts. Taps outside the image are dropped and the rest rescaled to sum 1.
    func taps(from source: Int, to target: Int, antialias: Bool) -> [Taps] {
        let scale = Double(source) / Double(target)
        if self == .nearest {
            return (0..<target).map { index in
                Taps(first: min(Int((Double(index) + 0.5) * scale), source - 1), weights: [1])
            }
        }
        if self == .cornerBilinear {
            return (0..<target).map { index in
                let position = Double(index) * scale
                let first = min(Int(position), source - 1)
                let share = position - Double(first)
                return first == source - 1
                    ? Taps(first: first, weights: [1]) : Taps(first: first, weights: [1 - share, share])
            }
        }
        let stretch = antialias ? max(scale, 1) : 1
        let reach = radius * stretch
        return (0..<target).map { index in
            let center = (Double(index) + 0.5) * scale
            let first = max(Int((center - reach + 0.5).rounded(.down)), 0)
            let end = min(Int((center + reach + 0.5).rounded(.down)), source)
            let weights = (first..<end).map { weight(at: (Double($0) + 0.5 - center) / stretch) }
            let sum = weights.reduce(0, +)
            return Taps(first: first, weights: weights.map { $0 / sum })
        }
    }

    /// Neighbouring source pixels and what each counts; the weights sum to 1.
    struct Taps {
        /// The first source pixel.
        let first: Int
        /// One weight a pixel from `first` on.
        let weights: [Double]
    }
}
