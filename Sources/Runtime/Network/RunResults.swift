import UD2MFormats

/// The results of a run while its items are computed.
struct RunResults {
    private let batch: Int
    /// A buffer for the whole batch for each of `names`.
    var values: [[Float]] = []
    private var names: [String] = []
    private var shapes: [[Int]] = []

    init(batch: Int) { self.batch = batch }

    /// Makes room for what a plan gives; later plans of the run give the same, since adapters change no shape.
    /// - Throws: `memory-exhausted` when the machine has less memory than it takes.
    mutating func prepare(_ names: [String], shapes: [[Int]]) throws {
        guard values.isEmpty else { return }
        (self.names, self.shapes) = (names, shapes)
        var floats = 0
        for shape in shapes { floats = floats.addedOrMaximum(shape.reduce(1, *).multipliedOrMaximum(batch)) }
        try MachineMemory.require(
            floats.multipliedOrMaximum(MemoryLayout<Float>.stride), for: "The output for a batch of \(batch)")
        values.reserveCapacity(names.count)
        for shape in shapes { values.append([Float](repeating: 0, count: batch * shape.reduce(1, *))) }
    }

    /// The results by name.
    var tensors: [String: Tensor] {
        get throws {
            var tensors = [String: Tensor](minimumCapacity: names.count)
            for (index, name) in names.enumerated() {
                var shape: [Int] = []
                shape.reserveCapacity(shapes[index].count + 1)
                shape.append(batch)
                shape.append(contentsOf: shapes[index])
                tensors[name] = try Tensor(shape: shape, values: values[index])
            }
            return tensors
        }
    }
}
