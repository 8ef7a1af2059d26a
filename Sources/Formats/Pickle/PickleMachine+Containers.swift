extension PickleMachine {
    /// TUPLE and TUPLE1–3.
    mutating func pushTuple(_ items: [PickleNodeID]) throws {
        guard !items.isEmpty else { return stack.append(.emptyTuple) }
        let (start, count) = try addElements(items)
        try push(.tuple(start: start, count: count))
    }

    /// FROZENSET.
    mutating func pushFrozenSet(_ items: [PickleNodeID]) throws {
        try checkHashable(items)
        let (start, count) = try addElements(items)
        try push(.frozenSet(start: start, count: count))
    }

    /// LIST.
    mutating func pushList() throws {
        let items = try popToMark()
        try push(.list(-1))
        try append(items)
    }

    /// DICT.
    mutating func pushDict() throws {
        let items = try popToMark()
        try push(.dict(-1))
        try setItems(items)
    }

    /// APPEND and APPENDS: the target is a list, or an object that extends itself.
    mutating func append(_ items: [PickleNodeID]) throws {
        let target = try top()
        switch graph[target] {
        case .list(let number):
            graph.nodes[Int(target.raw)] = .list(try grow(number, by: items))
        case .record(let record):
            let items = try grow(graph.records[Int(record)].items, by: items)
            graph.records[Int(record)].items = items
        default:
            throw fail(.pickleWrongKind, "Items are appended to something that is no list.")
        }
    }

    /// SETITEM and SETITEMS: the target is a dict, or an object that takes items.
    mutating func setItems(_ items: [PickleNodeID]) throws {
        let target = try top()
        guard items.count.isMultiple(of: 2) else {
            throw fail(.pickleWrongKind, "A dict gets a key without a value.")
        }
        try checkHashable(stride(from: 0, to: items.count, by: 2).map { items[$0] })
        switch graph[target] {
        case .dict(let number):
            graph.nodes[Int(target.raw)] = .dict(try grow(number, by: items))
        case .record(let record):
            let entries = try grow(graph.records[Int(record)].entries, by: items)
            graph.records[Int(record)].entries = entries
        default:
            throw fail(.pickleWrongKind, "Keys are set on something that is no dict.")
        }
    }

    /// ADDITEMS: the target is a set.
    mutating func addItems(_ items: [PickleNodeID]) throws {
        let target = try top()
        guard case .set(let number) = graph[target] else {
            throw fail(.pickleWrongKind, "Items are added to something that is no set.")
        }
        try checkHashable(items)
        graph.nodes[Int(target.raw)] = .set(try grow(number, by: items))
    }

    /// Appends to a growing list, made on first use, and returns its number.
    mutating func grow(_ number: Int32, by items: [PickleNodeID]) throws -> Int32 {
        guard !items.isEmpty else { return number }
        guard number < 0 else {
            graph.growing[Int(number)].append(contentsOf: items)
            return number
        }
        guard let new = Int32(exactly: graph.growing.count) else {
            throw fail(.pickleLimit, "The pickle builds too many containers.")
        }
        graph.growing.append(items)
        return new
    }

    private mutating func addElements(_ items: [PickleNodeID]) throws -> (start: Int32, count: Int32) {
        guard graph.elements.count + items.count <= Int(Int32.max) else {
            throw fail(.pickleLimit, "The pickle builds too many tuple elements.")
        }
        defer { graph.elements.append(contentsOf: items) }
        return (Int32(graph.elements.count), Int32(items.count))
    }

    private func checkHashable(_ keys: [PickleNodeID]) throws {
        for key in keys {
            switch graph[key] {
            case .list, .dict, .set:
                throw fail(.pickleWrongKind, "A list, dict or set serves as a key.")
            default: break
            }
        }
    }
}
