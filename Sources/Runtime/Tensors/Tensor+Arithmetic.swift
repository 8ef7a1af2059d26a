import UD2MFormats

extension Tensor {
    /// `scale`·self + `otherScale`·`other`, computed in double precision.
    /// - Throws: `tensor-shape` when the shapes differ.
    package func combined(_ scale: Double, _ other: Tensor, _ otherScale: Double) throws -> Tensor {
        guard shape == other.shape else {
            throw UD2MError(.tensorShape, "Tensors of shapes \(shape) and \(other.shape) cannot be added.")
        }
        return try Tensor(
            shape: shape,
            values: zip(values, other.values).map { Float(scale * Double($0) + otherScale * Double($1)) })
    }

    /// `scale`·self, computed in double precision.
    package func scaled(by scale: Double) throws -> Tensor {
        scale == 1 ? self : try Tensor(shape: shape, values: values.map { Float(scale * Double($0)) })
    }

    /// Σ self·`other`, summed in double precision in the elements' order.
    package func inner(_ other: Tensor) -> Double {
        zip(values, other.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    /// Where an element is: one index for each dimension.
    func position(of element: Int) -> [Int] {
        var rest = element
        var position: [Int] = []
        for size in shape.reversed() {
            position.append(rest % max(size, 1))
            rest /= max(size, 1)
        }
        return position.reversed()
    }

    /// One item of a batch, as a batch of one.
    /// - Throws: `tensor-shape` for a scalar.
    package func item(_ index: Int) throws -> Tensor {
        let count = shape.dropFirst().reduce(1, *)
        guard let batch = shape.first, (0..<batch).contains(index) else {
            throw UD2MError(.tensorShape, "A tensor of shape \(shape) has no item \(index).")
        }
        return try Tensor(shape: [1] + shape.dropFirst(), values: Array(values[index * count..<(index + 1) * count]))
    }

    /// Batches one after the other.
    /// - Throws: `tensor-shape` when there is none, or items of different shapes.
    package static func batch(_ tensors: [Tensor]) throws -> Tensor {
        guard let first = tensors.first, let size = first.shape.first.map({ _ in first.shape.dropFirst() }),
            tensors.allSatisfy({ !$0.shape.isEmpty && $0.shape.dropFirst() == size })
        else {
            throw UD2MError(.tensorShape, "Tensors of different shapes make no batch.")
        }
        return try Tensor(
            shape: [tensors.reduce(0) { $0 + $1.shape[0] }] + size, values: tensors.flatMap(\.values))
    }
}
