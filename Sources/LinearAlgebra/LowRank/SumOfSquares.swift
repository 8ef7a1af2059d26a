/// The sum of the squares of numbers, in double precision.
///
/// Halves are added to each other, so that the rounding grows with the logarithm of the count only: what a sketch misses
/// is told from differences of such sums. Four sums run at once, because one would wait for its own last addition.
func sumOfSquares<Value: BinaryFloatingPoint>(_ values: Slice<UnsafeBufferPointer<Value>>) -> Double {
    guard values.count <= 1024 else {
        let middle = values.startIndex + values.count / 2
        return sumOfSquares(values[..<middle]) + sumOfSquares(values[middle...])
    }
    let numbers = UnsafeBufferPointer(rebasing: values)
    var sums = SIMD4<Double>()
    let whole = numbers.count / 4 * 4
    for index in stride(from: 0, to: whole, by: 4) {
        let four = SIMD4(
            Double(numbers[index]), Double(numbers[index + 1]), Double(numbers[index + 2]), Double(numbers[index + 3]))
        sums += four * four
    }
    return numbers[whole...].reduce(sums.sum()) { $0 + Double($1) * Double($1) }
}
