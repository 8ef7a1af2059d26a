import UD2MFormats

extension ConversionPlan {
    /// Checks that tensors which are left out, because their values are known or stand elsewhere in the file, hold those
    /// values: a network that was changed there would silently become another one.
    /// - Throws: `tensor-not-constant` with the tensor's name, or what reading throws.
    public func requireConstants() throws {
        let tensors = Dictionary(choice.tensors.map { ($0.name, $0) }) { first, _ in first }
        for (name, constant) in choice.architecture.layout.constants.sorted(by: { $0.key < $1.key }) {
            guard let tensor = tensors[name] else { continue }
            let location = UD2MError.Location(file: checkpoint.path, tensor: name.text)
            switch constant {
            case .numbers(let expected):
                guard try tensor.holds(expected) else {
                    throw UD2MError(
                        .tensorNotConstant,
                        "Every published file of \(choice.architecture.title) holds \(expected) here, and the metric uses "
                            + "those; this file holds something else.", at: location,
                        remedy: "The result would not be that network; use an unchanged file.")
                }
            case .copy(let original):
                guard let other = tensors[original] else { continue }
                guard tensor.shape == other.shape, try TensorDifference(tensor, other).isEqual(tolerance: 0) else {
                    throw UD2MError(
                        .tensorNotConstant, "The tensor repeats \(original) in every published file; here it differs.",
                        at: location, remedy: "Remove the wrong one of the two from the checkpoint.")
                }
            }
        }
    }
}

extension TensorSource {
    /// Whether the elements are these numbers, as near as the type can hold them.
    fileprivate func holds(_ expected: [Float]) throws -> Bool {
        guard elementCount == expected.count, elementType.isFloatingPoint else { return false }
        var values = [Double](repeating: 0, count: expected.count)
        let count = try withContiguousBytes { bytes in
            values.withUnsafeMutableBufferPointer { elementType.doubles(bytes, into: $0) }
        }
        // Half-precision copies are rounded: bfloat16 keeps eight bits.
        let tolerance = elementType == .f32 || elementType == .f64 ? 1e-6 : 1.0 / 128
        return count == expected.count
            && zip(values, expected).allSatisfy { abs($0 - Double($1)) <= tolerance * abs(Double($1)) }
    }
}

extension UD2MError.Code {
    /// A tensor that a layout leaves out, because its values are known, holds others.
    public static let tensorNotConstant = UD2MError.Code("tensor-not-constant", .badData)
}
