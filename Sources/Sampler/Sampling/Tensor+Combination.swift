import UD2MFormats
import UD2MRuntime

extension Tensor {
    /// `scale`·self + `otherScale`·`other`, computed in double precision.
    /// - Throws: `UD2MError` with code `operator-shape` when the shapes differ.
    func combined(_ scale: Double, _ other: Tensor, _ otherScale: Double) throws -> Tensor {
        guard shape == other.shape else {
            throw UD2MError(.operatorShape, "Tensors of shapes \(shape) and \(other.shape) cannot be added.")
        }
        return try Tensor(
            shape: shape,
            values: zip(values, other.values).map { Float(scale * Double($0) + otherScale * Double($1)) })
    }

    /// The tensor with every value limited to [-1, 1].
    func clamped() throws -> Tensor {
        try Tensor(shape: shape, values: values.map { min(max($0, -1), 1) })
    }

    /// Throws unless every value is finite.
    func requireFinite(_ name: String) throws {
        guard values.allSatisfy({ $0.isFinite }) else {
            throw UD2MError(
                .notFinite, "The \(name) holds values that are not finite.", at: UD2MError.Location(tensor: name))
        }
    }
}
