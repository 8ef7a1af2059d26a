import CUD2MCUDA
import UD2MFormats

/// What is added up over a tensor.
package enum DeviceTotal: Sendable, CaseIterable {
    /// Σ x.
    case sum
    /// Σ x².
    case squares
    /// Σ x·y.
    case products
    /// Σ (x − y)².
    case squaredDifferences
    /// The largest |x|; what is not a number wins.
    case largest

    fileprivate var number: Int32 {
        let kind =
            switch self {
            case .sum: UD2M_CUDA_SUM
            case .squares: UD2M_CUDA_SQUARES
            case .products: UD2M_CUDA_DOT
            case .squaredDifferences: UD2M_CUDA_SQUARED_DIFFERENCES
            case .largest: UD2M_CUDA_LARGEST
            }
        return Int32(kind.rawValue)
    }
}

extension DeviceArithmetic {
    /// A total for each of `groups` runs of equal length, in double precision, in an order that depends on the length
    /// alone; waits for it.
    /// - Parameters:
    ///   - kind: What is added up.
    ///   - left: x.
    ///   - right: y, of its shape, where the kind has one.
    ///   - groups: How many runs there are; images of a batch, say.
    /// - Returns: A number for each run.
    /// - Throws: As ``DeviceArithmetic`` says.
    package func totals(
        _ kind: DeviceTotal, _ left: DeviceTensor, _ right: DeviceTensor? = nil, groups: Int = 1
    ) throws -> [Double] {
        let isOfTwo = kind == .products || kind == .squaredDifferences
        try Self.require(
            groups > 0 && left.count % groups == 0 && (right.map { $0.shape == left.shape } ?? !isOfTwo),
            "\(left.shape) and \(right?.shape ?? []) make no \(groups) totals.")
        let count = left.count / groups
        let blocks = max(1, min(wholeBlocks(count, of: 1024), 256))
        return try context.run { [self] in
            // Doubles take two elements.
            let partials = try tensor([groups, blocks, 2])
            let output = try tensor([groups, 2])
            var task = ud2m_cuda_reduce()
            (task.left, task.right) = (left.elements, right?.elements)
            (task.count, task.groups) = (try Self.number(count), try Self.number(groups))
            (task.kind, task.blocks) = (kind.number, Int32(blocks))
            task.partials = UnsafeMutablePointer(bitPattern: UInt(partials.buffer.address))
            task.output = UnsafeMutablePointer(bitPattern: UInt(output.buffer.address))
            try launch("reduce", DeviceGrid(x: blocks, y: groups), task)
            try launch("reduce_finish", DeviceGrid(x: groups), task)
            return try read(output, Double.self, count: groups)
        }
    }

    /// Whether every element is finite; waits for the answer.
    package func isFinite(_ tensor: DeviceTensor) throws -> Bool { try totals(.largest, tensor)[0].isFinite }
}
