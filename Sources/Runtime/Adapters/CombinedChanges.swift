import UD2MFormats

/// What some weighted adapters do together: every tensor becomes W + Σ weight·(change of W), each change taken against the
/// network's own W.
struct CombinedChanges: Sendable {
    /// One adapter's change of a tensor.
    struct Step: Sendable {
        let change: WeightChange
        let weight: Double
    }

    /// The changes by the tensor's name, in the order of the adapters; those of weight 0 are left out.
    let steps: [String: [Step]]

    /// Collects the changes of adapters and checks them against a network.
    /// - Throws: `change-unknown`, `change-shape` or `change-not-finite` with the tensor's name.
    init(_ selections: [AdapterSelection], sites: WeightSites) throws {
        var steps: [String: [Step]] = [:]
        for selection in selections {
            guard selection.weight.isFinite else {
                throw UD2MError(.changeNotFinite, "\(selection.weight) is no weight of an adapter.")
            }
            for (name, change) in selection.adapter.changes.sorted(by: { $0.key < $1.key }) {
                guard let site = sites[name] else {
                    throw UD2MError(
                        .changeUnknown, "The network has no tensor of this name.", at: .init(tensor: name),
                        remedy: "Use the adapter with the network that it was trained on.")
                }
                try change.validate(name, shape: site.shape)
                guard selection.weight != 0 else { continue }
                steps[name, default: []].append(Step(change: change, weight: selection.weight))
            }
        }
        self.steps = steps
    }

    /// A tensor after its changes, in memory of its own; nil for one that stays as it is.
    /// - Throws: what reading the tensor throws.
    func applied(to base: StoredTensor, _ name: String) throws -> StoredTensor? {
        try steps[name]?.applied(to: base)
    }
}

extension [CombinedChanges.Step] {
    /// W after the changes, computed in double precision and rounded once.
    func applied(to base: StoredTensor) throws -> StoredTensor {
        if count == 1, case .replacement(let tensor) = self[0].change, self[0].weight == 1 {
            return StoredTensor(name: base.name, shape: base.shape) { _ = $0.initialize(from: tensor.values) }
        }
        return try StoredTensor(name: base.name, shape: base.shape) { merged in
            // The tensor's own elements first, which give way to the sums row by row.
            try base.copyFloats(to: merged)
            let rows = base.shape.first ?? 1
            let columns = rows > 0 ? merged.count / rows : 0
            var sums = [Double](repeating: 0, count: columns)
            for row in 0..<rows {
                let part = UnsafeMutableBufferPointer(rebasing: merged[row * columns..<(row + 1) * columns])
                for column in 0..<columns { sums[column] = Double(part[column]) }
                sums.withUnsafeMutableBufferPointer { sums in
                    for step in self { step.add(to: sums, row: row, original: part) }
                }
                for column in 0..<columns { part[column] = Float(sums[column]) }
            }
        }
    }
}

extension CombinedChanges.Step {
    /// Adds this change's share to a row of sums, given the row of W.
    fileprivate func add(
        to sums: UnsafeMutableBufferPointer<Double>, row: Int, original: UnsafeMutableBufferPointer<Float>
    ) {
        let start = row * sums.count
        switch change {
        case .replacement(let tensor):
            tensor.values.withUnsafeBufferPointer { values in
                for column in sums.indices {
                    sums[column] += weight * (Double(values[start + column]) - Double(original[column]))
                }
            }
        case .difference(let tensor, let scale):
            tensor.values.withUnsafeBufferPointer { values in
                for column in sums.indices { sums[column] += weight * scale * Double(values[start + column]) }
            }
        case .lowRank(let up, let down, let scale):
            let rank = down.shape[0]
            down.values.withUnsafeBufferPointer { values in
                for k in 0..<rank {
                    let factor = weight * scale * Double(up.values[row * rank + k])
                    let line = UnsafeBufferPointer(rebasing: values[k * sums.count..<(k + 1) * sums.count])
                    for column in sums.indices { sums[column] += factor * Double(line[column]) }
                }
            }
        }
    }
}
