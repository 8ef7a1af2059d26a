import UD2MFormats

/// A change with its factors in memory, ready to be added to parts of a tensor.
struct CompiledChange<Number: MergeNumber> {
    /// What gives the rows of a change, as a matrix of the tensor's outermost dimension by all others.
    private enum Rows {
        case lowRank(LowRankRows<Number>)
        case hadamard(LowRankRows<Number>, LowRankRows<Number>)
        case kronecker(KroneckerRows<Number>)
        case difference(TensorSource)
        /// A whole tensor, and whether it alone is the result.
        case replacement(TensorSource)
    }

    /// DoRA: the new length over the length of W + s·U·D, one a row, or one an input channel.
    private struct Lengths {
        let ratios: [Number]
        let isOfInputs: Bool
        /// Elements of a kernel: columns of one input channel.
        let kernel: Int
    }

    private let rows: Rows
    private let columns: Int
    /// What the change is multiplied by: the scale, and the strength where it is not applied later.
    private let factor: Number
    private let strength: Number
    /// Whether nothing else changes the tensor.
    private let isAlone: Bool
    private var lengths: Lengths?

    /// Reads the factors; DoRA's lengths take a pass over the base's tensor.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-not-finite`, or what reading throws.
    init(_ step: MergeStep, isAlone: Bool, base: TensorSource) throws {
        self.isAlone = isAlone
        columns = max(base.shape.dropFirst().productOrMaximum, 1)
        strength = Number(step.strength)
        var factor = Number(step.change.scale * step.strength)
        switch step.change {
        case .lowRank(let factors): rows = .lowRank(try LowRankRows(factors))
        case .hadamard(let first, let second): rows = .hadamard(try LowRankRows(first), try LowRankRows(second))
        case .kronecker(let factors): rows = .kronecker(try KroneckerRows(factors))
        case .difference(let tensor, _): rows = .difference(tensor)
        case .replacement(let tensor): rows = .replacement(tensor)
        }
        let magnitude = step.change.magnitude
        // With lengths, the strength is of the whole difference and not of the factors (`formats.md` §13).
        if magnitude != nil { factor = Number(step.change.scale) }
        self.factor = factor
        guard let magnitude else { return }
        lengths = try lengths(magnitude, base: base)
    }

    /// Adds the change to a part of the tensor.
    func add(to merged: UnsafeMutableBufferPointer<Number>, _ part: MergePart) throws {
        switch rows {
        case .replacement(let tensor): return try replace(merged, part, by: tensor)
        case .difference(let tensor):
            let values: [Number] = try tensor.values(from: part.start, count: part.count)
            for index in 0..<part.count { merged[index] += factor * values[index] }
            return
        default: break
        }
        var product = [Number](repeating: 0, count: part.count)
        product.withUnsafeMutableBufferPointer { fill($0, from: part.start) }
        guard let lengths else {
            for index in 0..<part.count { merged[index] += factor * product[index] }
            return
        }
        for index in 0..<part.count {
            let original = part.original.loadUnaligned(
                fromByteOffset: index * MemoryLayout<Number>.size, as: Number.self)
            let ratio = lengths.ratios[place(part.start + index, lengths.isOfInputs, lengths.kernel)]
            merged[index] += strength * (ratio * (original + factor * product[index]) - original)
        }
    }

    /// The element's row, or its input channel.
    private func place(_ index: Int, _ isOfInputs: Bool, _ kernel: Int) -> Int {
        isOfInputs ? index % columns / kernel : index / columns
    }

    /// W + strength·(W′ − W), and W′ itself where that is all that happens.
    private func replace(_ merged: UnsafeMutableBufferPointer<Number>, _ part: MergePart, by tensor: TensorSource)
        throws
    {
        let values: [Number] = try tensor.values(from: part.start, count: part.count)
        for index in 0..<part.count {
            if isAlone, strength == 1 {
                merged[index] = values[index]
                continue
            }
            let original = part.original.loadUnaligned(
                fromByteOffset: index * MemoryLayout<Number>.size, as: Number.self)
            merged[index] += strength * (values[index] - original)
        }
    }

    /// The product's elements from a place on.
    private func fill(_ product: UnsafeMutableBufferPointer<Number>, from start: Int) {
        var done = 0
        while done < product.count {
            let (row, column) = (start + done).quotientAndRemainder(dividingBy: columns)
            let count = min(columns - column, product.count - done)
            let part = UnsafeMutableBufferPointer(rebasing: product[done..<done + count])
            switch rows {
            case .lowRank(let factors): factors.fill(part, row: row, from: column)
            case .hadamard(let first, let second):
                first.fill(part, row: row, from: column)
                var other = [Number](repeating: 0, count: count)
                other.withUnsafeMutableBufferPointer { second.fill($0, row: row, from: column) }
                for index in 0..<count { part[index] *= other[index] }
            case .kronecker(let factors): factors.fill(part, row: row, from: column)
            case .difference, .replacement: break
            }
            done += count
        }
    }

    /// The ratios of DoRA: a pass over W that sums the squares of W + s·U·D.
    private func lengths(_ magnitude: LowRankFactors.Magnitude, base: TensorSource) throws -> Lengths {
        let wanted: [Number] = try magnitude.tensor.finiteValues()
        let kernel = max(base.shape.dropFirst(2).productOrMaximum, 1)
        var squares = [Double](repeating: 0, count: wanted.count)
        var start = 0
        try base.stream(as: Number.elementType) { bytes in
            let count = bytes.count / MemoryLayout<Number>.size
            var product = [Number](repeating: 0, count: count)
            product.withUnsafeMutableBufferPointer { fill($0, from: start) }
            for index in 0..<count {
                let original = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Number>.size, as: Number.self)
                let value = Double(original + factor * product[index])
                squares[place(start + index, magnitude.isOfInputs, kernel)] += value * value
            }
            start += count
        }
        let ratios = zip(wanted, squares).map { length, square in
            square > 0 ? length / Number(square.squareRoot()) : 0
        }
        return Lengths(ratios: ratios, isOfInputs: magnitude.isOfInputs, kernel: kernel)
    }
}

/// Rows of U·D.
struct LowRankRows<Number: MergeNumber> {
    private let up: [Number]
    private let down: [Number]
    private let rank: Int
    private let columns: Int

    init(_ factors: LowRankFactors) throws { try self.init(up: factors.up, down: factors.down) }

    init(up: Factor, down: Factor) throws {
        self.up = try up.values()
        self.down = try down.values()
        rank = down.rows
        columns = down.columns
    }

    /// Elements of a row from a column on; the rank is summed in order, so that results do not depend on the pieces.
    @inline(__always)
    func fill(_ part: UnsafeMutableBufferPointer<Number>, row: Int, from column: Int) {
        up.withUnsafeBufferPointer { up in
            down.withUnsafeBufferPointer { down in
                let first = up[row * rank]
                for index in 0..<part.count { part[index] = first * down[column + index] }
                for k in 1..<max(rank, 1) {
                    let start = k * columns + column
                    let values = UnsafeBufferPointer(rebasing: down[start..<start + part.count])
                    Number.add(up[row * rank + k], times: values, to: part)
                }
            }
        }
    }

    /// The whole product, row by row.
    var product: [Number] {
        var values = [Number](repeating: 0, count: up.count / rank * columns)
        values.withUnsafeMutableBufferPointer { values in
            for row in 0..<up.count / rank {
                fill(
                    UnsafeMutableBufferPointer(rebasing: values[row * columns..<(row + 1) * columns]), row: row, from: 0
                )
            }
        }
        return values
    }
}

/// Rows of A ⊗ B.
struct KroneckerRows<Number: MergeNumber> {
    private let left: [Number]
    private let right: [Number]
    private let leftColumns: Int
    private let rightRows: Int
    private let rightColumns: Int
    private let unalignedKernel: Int?

    init(_ factors: KroneckerFactors) throws {
        left = try Self.values(factors.left)
        right = try Self.values(factors.right)
        leftColumns = factors.left.shape.columns
        (rightRows, rightColumns) = factors.right.shape
        unalignedKernel = factors.unalignedKernel
    }

    private static func values(_ side: KroneckerFactors.Side) throws -> [Number] {
        switch side {
        case .whole(let factor): try factor.values()
        case .product(let up, let down): try LowRankRows(up: up, down: down).product
        }
    }

    func fill(_ part: UnsafeMutableBufferPointer<Number>, row: Int, from column: Int) {
        if let unalignedKernel {
            let start = row * leftColumns * rightColumns + column
            return fillUnaligned(part, from: start, kernel: unalignedKernel)
        }
        let (leftRow, rightRow) = row.quotientAndRemainder(dividingBy: rightRows)
        for index in 0..<part.count {
            let (block, place) = (column + index).quotientAndRemainder(dividingBy: rightColumns)
            part[index] = left[leftRow * leftColumns + block] * right[rightRow * rightColumns + place]
        }
    }

    /// Elements of the product in PEFT's order [b, a, d, c, k] (see ``KroneckerFactors/unalignedKernel``).
    private func fillUnaligned(_ part: UnsafeMutableBufferPointer<Number>, from start: Int, kernel: Int) {
        let (leftRows, inner) = (left.count / leftColumns, rightColumns / kernel)
        for index in 0..<part.count {
            let (outer, position) = (start + index).quotientAndRemainder(dividingBy: kernel)
            let (middle, leftColumn) = outer.quotientAndRemainder(dividingBy: leftColumns)
            let (rows, rightColumn) = middle.quotientAndRemainder(dividingBy: inner)
            let (rightRow, leftRow) = rows.quotientAndRemainder(dividingBy: leftRows)
            part[index] =
                left[leftRow * leftColumns + leftColumn]
                * right[rightRow * rightColumns + rightColumn * kernel + position]
        }
    }
}

extension TensorSource {
    /// Some of the elements in row-major order.
    fileprivate func values<Number: MergeNumber>(from start: Int, count: Int) throws -> [Number] {
        guard isContiguous else { return Array((try finiteValues() as [Number])[start..<start + count]) }
        var part = self
        part.shape = [count]
        part.strides = [1]
        part.elementOffset += start
        return try part.finiteValues()
    }
}
