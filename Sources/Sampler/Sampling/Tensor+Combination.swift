import UD2MFormats
import UD2MRuntime

extension Tensor {
    /// The tensor with every value limited to [-1, 1].
    func clamped() throws -> Tensor {
        try Tensor(shape: shape, values: values.map { min(max($0, -1), 1) })
    }

    /// Batches of equal size, one after the other: the inverse of joining them.
    /// - Throws: `UD2MError` with code `tensor-shape` unless the images can be dealt out evenly.
    func divided(into count: Int) throws -> [Tensor] {
        guard count > 1 else { return [self] }
        guard let images = shape.first, images % count == 0 else {
            throw UD2MError(.tensorShape, "A tensor of shape \(shape) is not \(count) batches of equal size.")
        }
        let size = values.count / count
        let part = [images / count] + shape.dropFirst()
        return try (0..<count).map { index in
            try Tensor(shape: part, values: Array(values[index * size..<(index + 1) * size]))
        }
    }

    /// Whether every value is finite.
    var isFinite: Bool { values.allSatisfy { $0.isFinite } }

    /// Throws unless every value is finite.
    func requireFinite(_ name: String) throws { guard isFinite else { throw UD2MError.notFinite(name) } }
}

extension UD2MError {
    static func notFinite(_ name: String) -> UD2MError {
        UD2MError(.notFinite, "The \(name) holds values that are not finite.", at: UD2MError.Location(tensor: name))
    }
}
