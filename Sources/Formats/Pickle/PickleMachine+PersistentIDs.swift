/// Persistent ids written as a line of text.
extension PickleMachine {
    /// PERSID: in the tar container the line is a key; elsewhere only protocol 0 has it, and the line is what Python
    /// prints of the tuple that other protocols hold as a value: `('storage', <class 'torch.FloatStorage'>, '0', 'cpu', 3)`.
    mutating func textPersistentID() throws {
        guard allowsTextPersistentIDs || graph.protocolVersion == 0 else {
            throw fail(.pickleForbiddenOpcode, "Text persistent ids belong to protocol 0 and the 2016 tar container.")
        }
        let start = cursor
        let line = try readLine()
        if !allowsTextPersistentIDs, let id = try printedTuple(start..<start + line.count) {
            return try push(.persistentID(id, offset: UInt32(opcodeOffset)))
        }
        // What a line of another form means is the container's business.
        let id = try make(.text(PickleSlice(start: UInt32(start), count: UInt32(line.count))))
        try push(.persistentID(id, offset: UInt32(opcodeOffset)))
    }

    /// The tuple that Python printed as `range` of the stream, or nil when it is something else.
    ///
    /// Only what persistent ids are made of: texts, classes, whole numbers, None, and one tuple inside (a view).
    private mutating func printedTuple(_ range: Range<Int>) throws -> PickleNodeID? {
        var position = range.lowerBound
        return try printedTuple(&position, end: range.upperBound, isOuter: true)
    }

    private mutating func printedTuple(_ position: inout Int, end: Int, isOuter: Bool) throws -> PickleNodeID? {
        guard take("(", &position, end) else { return nil }
        var items: [PickleNodeID] = []
        while !take(")", &position, end) {
            guard items.count < 8, items.isEmpty || take(", ", &position, end),
                let item = try printedItem(&position, end: end, isOuter: isOuter)
            else { return nil }
            items.append(item)
        }
        guard !isOuter || position == end, !items.isEmpty else { return nil }
        return try makeTuple(items)
    }

    private mutating func printedItem(_ position: inout Int, end: Int, isOuter: Bool) throws -> PickleNodeID? {
        if take("None", &position, end) { return PickleNodeID.none }
        if take("<class '", &position, end) {
            guard let quote = graph.pool[position..<end].firstIndex(of: UInt8(ascii: "'")) else { return nil }
            let name = graph.pool[position..<quote]
            position = quote
            guard take("'>", &position, end), let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return nil }
            return try make(
                .global(internGlobal(module: name[..<dot], name: name[name.index(after: dot)...])))
        }
        if isOuter, position < end, graph.pool[position] == UInt8(ascii: "(") {
            return try printedTuple(&position, end: end, isOuter: false)
        }
        return try printedText(&position, end: end) ?? printedInteger(&position, end: end)
    }

    /// A quoted text; an escaped quote does not end it.
    private mutating func printedText(_ position: inout Int, end: Int) throws -> PickleNodeID? {
        guard position < end, [UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(graph.pool[position]) else { return nil }
        let quote = graph.pool[position]
        var close = position + 1
        while close < end, graph.pool[close] != quote {
            close += graph.pool[close] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard close < end, let decoded = decodeQuotedString(graph.pool[position...close]) else { return nil }
        position = close + 1
        return try make(.byteString(keep(decoded)))
    }

    private mutating func printedInteger(_ position: inout Int, end: Int) throws -> PickleNodeID? {
        let digits = graph.pool[position..<end].prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty, digits.count < 20, let value = Int64(String(decoding: digits, as: UTF8.self)) else {
            return nil
        }
        position = digits.endIndex
        return try make(.integer(value))
    }

    private func take(_ text: String, _ position: inout Int, _ end: Int) -> Bool {
        let bytes = text.utf8
        guard bytes.count <= end - position, graph.pool[position..<position + bytes.count].elementsEqual(bytes) else {
            return false
        }
        position += bytes.count
        return true
    }
}
