/// Which elements of one matrix a merge keeps.
enum Keeping {
    case all
    /// Those of a magnitude above the threshold, and those equal to it up to a position.
    case largest(threshold: Float, lastEqual: Int)
    /// Each with a probability, divided by it.
    case random(density: Double, CounterRandom)

    /// The ⌊density·n⌋ largest elements by magnitude; of equal ones at the limit, the first.
    init(largest density: Double, of values: [Float]) {
        let kept = Int(density * Double(values.count))
        guard kept < values.count else {
            self = .all
            return
        }
        guard kept > 0 else {
            self = .largest(threshold: .infinity, lastEqual: -1)
            return
        }
        let bits = Self.largest(kept, of: values)
        let threshold = Float(bitPattern: bits.threshold)
        var (remaining, last) = (kept - bits.above, -1)
        for (position, value) in values.enumerated() where value.magnitude == threshold {
            guard remaining > 0 else { break }
            remaining -= 1
            last = position
        }
        self = .largest(threshold: threshold, lastEqual: last)
    }

    /// Writes some elements as the merge uses them, 0 for those that are not kept.
    func copy(_ values: [Float], from first: Int, count: Int, to target: inout [Double], at start: Int) {
        switch self {
        case .all:
            for index in 0..<count { target[start + index] = Double(values[first + index]) }
        case .largest(let threshold, let lastEqual):
            for index in 0..<count {
                let (value, position) = (values[first + index], first + index)
                let isKept = value.magnitude > threshold || value.magnitude == threshold && position <= lastEqual
                target[start + index] = isKept ? Double(value) : 0
            }
        case .random(let density, let random):
            for index in 0..<count {
                let isKept = random.uniform(first + index) < density
                target[start + index] = isKept ? Double(values[first + index]) / density : 0
            }
        }
    }

    /// The bits of the `rank`-th largest magnitude and the number of larger ones.
    ///
    /// The bits of floats without sign are ordered as the floats are, so two counts of 16 bits each find it.
    private static func largest(_ rank: Int, of values: [Float]) -> (threshold: UInt32, above: Int) {
        var counts = [Int](repeating: 0, count: 1 << 16)
        for value in values { counts[Int(value.magnitude.bitPattern >> 16)] += 1 }
        let (high, aboveHigh) = bucket(counts, rank, 0)
        counts = [Int](repeating: 0, count: 1 << 16)
        for value in values where value.magnitude.bitPattern >> 16 == UInt32(high) {
            counts[Int(value.magnitude.bitPattern & 0xFFFF)] += 1
        }
        let (low, above) = bucket(counts, rank, aboveHigh)
        return (UInt32(high) << 16 | UInt32(low), above)
    }

    /// The highest bucket at which `rank` elements are reached, and the number of elements in higher ones.
    private static func bucket(_ counts: [Int], _ rank: Int, _ start: Int) -> (bucket: Int, above: Int) {
        var above = start
        for bucket in counts.indices.reversed() {
            if above + counts[bucket] >= rank { return (bucket, above) }
            above += counts[bucket]
        }
        return (0, above)
    }
}
