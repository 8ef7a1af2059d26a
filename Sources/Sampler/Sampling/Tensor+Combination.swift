import UD2MFormats
import UD2MRuntime

extension Tensor {
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
