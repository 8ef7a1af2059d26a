extension PickleMachine {
    /// GLOBAL.
    mutating func pushGlobal(module: ArraySlice<UInt8>, name: ArraySlice<UInt8>) throws {
        try push(.global(internGlobal(module: module, name: name)))
    }

    /// STACK_GLOBAL: both operands by stack semantics, and both must be text (`formats.md` §10.1).
    mutating func stackGlobal() throws {
        let operands = try pop(count: 2)
        guard case .text(let module) = graph[operands[0]], case .text(let name) = graph[operands[1]] else {
            throw fail(.pickleWrongKind, "STACK_GLOBAL needs two texts.")
        }
        try pushGlobal(module: graph.bytes(module), name: graph.bytes(name))
    }

    /// INST: a class named by two lines, called with everything since the mark.
    mutating func inst() throws {
        let module = try readLine()
        let name = try readLine()
        let arguments = try popToMark()
        let callable = try make(.global(internGlobal(module: module, name: name)))
        try pushRecord(.instance, callable: callable, arguments: makeTuple(arguments))
    }

    /// OBJ: a class and its arguments since the mark.
    mutating func obj() throws {
        let items = try popToMark()
        guard let callable = items.first else {
            throw fail(.pickleStackUnderflow, "OBJ has no class above its mark.")
        }
        try pushRecord(.instance, callable: callable, arguments: makeTuple(Array(items.dropFirst())))
    }

    /// REDUCE.
    mutating func reduce() throws {
        let operands = try pop(count: 2)
        try checkArguments(operands[1])
        try pushRecord(.reduce, callable: operands[0], arguments: operands[1])
    }

    /// NEWOBJ and NEWOBJ_EX.
    mutating func newObject(hasKeywords: Bool) throws {
        let operands = try pop(count: hasKeywords ? 3 : 2)
        try checkArguments(operands[1])
        if hasKeywords {
            guard case .dict = graph[operands[2]] else {
                throw fail(.pickleWrongKind, "NEWOBJ_EX has keyword arguments that are no dict.")
            }
        }
        try pushRecord(
            .newObject, callable: operands[0], arguments: operands[1], keywords: hasKeywords ? operands[2] : .none)
    }

    /// BUILD (`formats.md` §3.4). What the state may name is checked when the stream has ended, since a state can
    /// still change after BUILD.
    mutating func build() throws {
        let state = try pop()
        let target = try top()
        switch graph[target] {
        case .record(let number):
            let states = try grow(graph.records[Int(number)].states, by: [state])
            graph.records[Int(number)].states = states
        case .global:
            throw fail(.pickleForbiddenBuild, "BUILD changes a class instead of an object.")
        default:
            throw fail(.pickleWrongKind, "BUILD gives state to a value that has none.")
        }
    }

    private mutating func pushRecord(
        _ form: PickleRecord.Form, callable: PickleNodeID, arguments: PickleNodeID, keywords: PickleNodeID = .none
    ) throws {
        graph.records.append(
            PickleRecord(
                form: form, callable: callable, arguments: arguments, keywords: keywords,
                byteOffset: UInt32(opcodeOffset), opcodeIndex: UInt32(clamping: opcodeIndex)))
        try push(.record(Int32(graph.records.count - 1)))
    }

    mutating func makeTuple(_ items: [PickleNodeID]) throws -> PickleNodeID {
        try pushTuple(items)
        return stack.removeLast()
    }

    private func checkArguments(_ id: PickleNodeID) throws {
        guard case .tuple = graph[id] else {
            throw fail(.pickleWrongKind, "A call's arguments are no tuple.")
        }
    }

    mutating func internGlobal(module: ArraySlice<UInt8>, name: ArraySlice<UInt8>) throws -> Int32 {
        guard module.count <= limits.nameBytes, name.count <= limits.nameBytes else {
            throw fail(.pickleLimit, "A global's name has \(module.count + name.count) bytes.")
        }
        // A long name fetched from the memo again and again must not cost more than its opcodes suggest.
        budget.operations -= (module.count + name.count) / 16
        guard budget.operations >= 0 else { throw fail(.pickleLimit, "The pickle names too many globals.") }
        let global = PickleGlobal(
            module: String(decoding: module, as: UTF8.self), name: String(decoding: name, as: UTF8.self)
        ).normalisedFromPython2
        if let number = globalNumbers[global] { return number }
        let number = Int32(graph.globals.count)
        graph.globals.append(
            PickleGlobalUse(
                global: global, byteOffset: UInt32(opcodeOffset), opcodeIndex: UInt32(clamping: opcodeIndex)))
        globalNumbers[global] = number
        return number
    }
}
