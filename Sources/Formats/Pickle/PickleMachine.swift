/// What a file's pickles may still use, shared by all streams of one file (`formats.md` §10.3).
package struct PickleBudget: Sendable {
    /// Opcodes left.
    package var operations: Int
    /// Values left.
    package var nodes: Int

    /// The full budget of `limits`.
    package init(_ limits: Limits) {
        operations = limits.pickleOperations
        nodes = min(limits.pickleNodes, Int(Int32.max) - 8)
    }
}

/// The pickle stack machine as data only: it builds values, and never imports, looks up or calls anything
/// (`formats.md` §0, §3).
package struct PickleMachine {
    var graph: PickleGraph
    var budget: PickleBudget
    let limits: Limits
    let allowsTextPersistentIDs: Bool
    /// The first byte after the stream; decoded text lies beyond it in the pool.
    let streamEnd: Int
    var cursor: Int
    var stack: [PickleNodeID] = []
    var marks: [Int] = []
    var memo = PickleMemo()
    var globalNumbers: [PickleGlobal: Int32] = [:]
    /// Where the current opcode starts.
    var opcodeOffset = 0
    var opcodeIndex = -1
    /// The first frame that claims more bytes than there are.
    private var frameError: UD2MError?

    /// Runs one pickle and returns what it builds.
    /// - Parameters:
    ///   - stream: The bytes; the pickle may end before they do (see ``PickleGraph/endOffset``).
    ///   - start: Where in `stream` the pickle starts.
    ///   - entry: The record's name, for messages.
    ///   - limits: What one stream may ask for.
    ///   - budget: What all pickles of the file share; reduced by what this one uses.
    ///   - allowsTextPersistentIDs: Whether PERSID may be any line of text, as in the tar container only.
    /// - Returns: The values, by number.
    /// - Throws: ``UD2MError`` with a `pickle-…` code, the byte offset and the opcode's number.
    package static func run(
        _ stream: [UInt8], from start: Int = 0, entry: String, limits: Limits = .standard, budget: inout PickleBudget,
        allowsTextPersistentIDs: Bool = false
    ) throws -> PickleGraph {
        let outcome = attempt(
            stream, from: start, entry: entry, limits: limits, budget: &budget,
            allowsTextPersistentIDs: allowsTextPersistentIDs)
        if let error = outcome.error { throw error }
        return outcome.graph
    }

    /// Runs one pickle as far as it goes: what Python would have run before it met the error.
    /// - Returns: The values built, and what stopped the pickle; nil when it reached STOP. A graph cut short has no root.
    package static func attempt(
        _ stream: [UInt8], from start: Int = 0, entry: String, limits: Limits = .standard, budget: inout PickleBudget,
        allowsTextPersistentIDs: Bool = false
    ) -> (graph: PickleGraph, error: (any Error)?) {
        let maximum = min(limits.pickleBytes, Int(UInt32.max) / 4)
        guard stream.count <= maximum else {
            let error = UD2MError(
                .pickleLimit, "The pickle has \(stream.count) bytes; the limit is \(maximum).",
                at: .init(entry: entry, byteOffset: 0))
            return (PickleGraph(entry: entry, stream: []), error)
        }
        var machine = PickleMachine(
            graph: PickleGraph(entry: entry, stream: stream), budget: budget, limits: limits,
            allowsTextPersistentIDs: allowsTextPersistentIDs, streamEnd: stream.count, cursor: min(start, stream.count))
        let error = machine.runToEnd()
        budget = machine.budget
        machine.graph.endOffset = machine.cursor
        machine.graph.opcodeCount = machine.opcodeIndex + (error == nil ? 1 : 0)
        return (machine.graph, error)
    }

    private init(
        graph: PickleGraph, budget: PickleBudget, limits: Limits, allowsTextPersistentIDs: Bool, streamEnd: Int,
        cursor: Int
    ) {
        self.graph = graph
        self.budget = budget
        self.limits = limits
        self.allowsTextPersistentIDs = allowsTextPersistentIDs
        self.streamEnd = streamEnd
        self.cursor = cursor
    }

    /// Executes opcodes up to STOP; the error is what stopped them before.
    private mutating func runToEnd() -> (any Error)? {
        do {
            while try step() {}
            return frameError
        } catch {
            return hinting(frameError ?? error)
        }
    }

    /// The error, with a hint where the pickle has run into the zeros that its stream ends in.
    private func hinting(_ error: any Error) -> any Error {
        guard let known = error as? UD2MError else { return error }
        let isInZeros = graph.pool[..<streamEnd].withUnsafeBytes { ZeroTail.reaches(cursor, in: $0) }
        return isInZeros ? known.hintingAtZeros() : known
    }

    /// Executes one opcode; false after STOP.
    private mutating func step() throws -> Bool {
        opcodeOffset = cursor
        opcodeIndex += 1
        let byte = try readByte()
        guard let opcode = PickleOpcode(rawValue: byte) else {
            throw fail(.pickleUnknownOpcode, "Byte 0x\(String(byte, radix: 16)) is no pickle opcode.")
        }
        budget.operations -= 1
        guard budget.operations >= 0 else { throw fail(.pickleLimit, "The pickle runs too many opcodes.") }
        if opcode == .stop {
            try stop()
            return false
        }
        try execute(opcode)
        return true
    }

    private mutating func execute(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .stop: break
        case .proto: try proto()
        case .frame: try frame()
        case .mark: marks.append(stack.count)
        case .pop: try popOrUnmark()
        case .popMark: _ = try popToMark()
        case .dup: stack.append(try top())
        case .none: stack.append(.none)
        case .newTrue: stack.append(.newTrue)
        case .newFalse: stack.append(.newFalse)
        case .int: try intLine()
        case .long: try longLine()
        case .binInt: try push(.integer(Int64(readInteger(Int32.self))))
        case .binInt1: try push(.integer(Int64(readByte())))
        case .binInt2: try push(.integer(Int64(readInteger(UInt16.self))))
        case .long1: try long(byteCount: Int(readByte()))
        case .long4: try long(byteCount: Int(readInteger(Int32.self)))
        case .binFloat: try binFloat()
        case .float: try floatLine()
        case .string: try stringLine()
        case .binString: try push(.byteString(readSlice(Int(readInteger(Int32.self)))))
        case .shortBinString: try push(.byteString(readSlice(Int(readByte()))))
        case .unicode: try unicodeLine()
        case .binUnicode: try text(byteCount: Int(readInteger(UInt32.self)))
        case .shortBinUnicode: try text(byteCount: Int(readByte()))
        case .binUnicode8: try text(byteCount: readCount64())
        case .binBytes: try push(.bytes(readSlice(Int(readInteger(UInt32.self)))))
        case .shortBinBytes: try push(.bytes(readSlice(Int(readByte()))))
        case .binBytes8, .byteArray8: try push(.bytes(readSlice(readCount64())))
        case .emptyTuple: stack.append(.emptyTuple)
        case .tuple: try pushTuple(popToMark())
        case .tuple1: try pushTuple(pop(count: 1))
        case .tuple2: try pushTuple(pop(count: 2))
        case .tuple3: try pushTuple(pop(count: 3))
        case .emptyList: try push(.list(-1))
        case .list: try pushList()
        case .append: try append(pop(count: 1))
        case .appends: try append(popToMark())
        case .emptyDict: try push(.dict(-1))
        case .dict: try pushDict()
        case .setItem: try setItems(pop(count: 2))
        case .setItems: try setItems(popToMark())
        case .emptySet: try push(.set(-1))
        case .addItems: try addItems(popToMark())
        case .frozenSet: try pushFrozenSet(popToMark())
        case .get: try get(readMemoLine())
        case .binGet: try get(UInt32(readByte()))
        case .longBinGet: try get(readInteger(UInt32.self))
        case .put: try put(readMemoLine())
        case .binPut: try put(UInt32(readByte()))
        case .longBinPut: try put(readInteger(UInt32.self))
        case .memoize: try memoize()
        case .global: try pushGlobal(module: readLine(), name: readLine())
        case .stackGlobal: try stackGlobal()
        case .inst: try inst()
        case .obj: try obj()
        case .reduce: try reduce()
        case .newObj: try newObject(hasKeywords: false)
        case .newObjEx: try newObject(hasKeywords: true)
        case .build: try build()
        case .binPersID: try push(.persistentID(pop(), offset: UInt32(opcodeOffset)))
        case .persID: try textPersistentID()
        case .ext1, .ext2, .ext4:
            throw fail(.pickleForbiddenOpcode, "EXT opcodes name entries of one Python process's registry.")
        case .nextBuffer, .readOnlyBuffer:
            throw fail(.pickleForbiddenOpcode, "Out-of-band buffers are not in the file.")
        }
    }

    private mutating func proto() throws {
        let version = try readByte()
        guard version <= 5 else { throw fail(.pickleProtocol, "Protocol \(version) does not exist; 5 is the highest.") }
        guard opcodeIndex == 0 else { throw fail(.pickleProtocol, "PROTO occurs inside a pickle.") }
        graph.protocolVersion = Int(version)
    }

    private mutating func frame() throws {
        let count = try readInteger(UInt64.self)
        // What is there of a frame cut short is still run, so that it can be judged; the pickle fails all the same.
        if count > UInt64(streamEnd - cursor), frameError == nil {
            frameError = fail(.pickleTruncated, "A frame claims \(count) bytes; \(streamEnd - cursor) are left.")
        }
    }

    private mutating func stop() throws {
        guard marks.isEmpty, stack.count <= 1 else {
            throw fail(.pickleStackLeftover, "STOP leaves \(stack.count) values and \(marks.count) open marks.")
        }
        graph.root = try pop()
    }

    /// An error at the current opcode.
    func fail(_ code: UD2MError.Code, _ message: String) -> UD2MError {
        UD2MError(
            code, message, at: .init(entry: graph.entry, byteOffset: opcodeOffset, opcodeIndex: opcodeIndex))
    }
}
