import Testing
import UD2MFormats
import UD2MTestSupport

/// Everything the pickle machine refuses, with the code, the byte and the opcode.
@Suite struct PickleRefusalTests {
    private struct Case: Sendable {
        let name: String
        let bytes: [UInt8]
        let code: UD2MError.Code
        let offset: Int
        let opcode: Int
    }

    private static let cases: [Case] = {
        var cases: [Case] = []
        // `offset` is where the last opcode that is written starts, unless said otherwise.
        func add(
            _ name: String, _ code: UD2MError.Code, protocol version: UInt8? = 2, offset: Int? = nil, opcode: Int,
            stops: Bool = true, _ write: (PickleAssembler) -> Void, last: (PickleAssembler) -> Void
        ) {
            let pickle = PickleAssembler(protocol: version)
            write(pickle)
            let start = pickle.count
            last(pickle)
            cases.append(
                Case(
                    name: name, bytes: stops ? pickle.stopped : pickle.bytes, code: code, offset: offset ?? start,
                    opcode: opcode))
        }
        func nothing(_ pickle: PickleAssembler) {}
        add("PROTO 6", .pickleProtocol, protocol: nil, opcode: 0, nothing) { $0.op(.proto, [6]) }
        add("PROTO twice", .pickleProtocol, opcode: 1, nothing) { $0.op(.proto, [2]) }
        add("unknown opcode", .pickleUnknownOpcode, opcode: 2, { $0.op(.none) }) {
            $0.op(.stop)  // Replaced below.
        }
        cases[cases.count - 1] = Case(
            name: "unknown opcode", bytes: [0x80, 2, 0x4E, 0xFF], code: .pickleUnknownOpcode, offset: 3, opcode: 2)
        add("FRAME beyond the end", .pickleTruncated, protocol: 4, opcode: 1, nothing) { $0.op(.frame, UInt64(99)) }
        add("FRAME of 2^64 - 1", .pickleTruncated, protocol: 4, opcode: 1, nothing) { $0.op(.frame, UInt64.max) }
        add("no STOP", .pickleTruncated, offset: 3, opcode: 2, stops: false, nothing) { $0.op(.none) }
        add("STOP on an empty stack", .pickleStackUnderflow, opcode: 1, nothing, last: nothing)
        add("STOP with two values", .pickleStackLeftover, offset: 4, opcode: 3, nothing) { $0.op(.none).op(.none) }
        add("STOP with a mark", .pickleStackLeftover, offset: 4, opcode: 3, nothing) { $0.op(.none).op(.mark) }
        add("POP on an empty stack", .pickleStackUnderflow, opcode: 1, nothing) { $0.op(.pop) }
        add("DUP on an empty stack", .pickleStackUnderflow, opcode: 1, nothing) { $0.op(.dup) }
        add("TUPLE without a mark", .pickleStackUnderflow, opcode: 2, { $0.op(.none) }) { $0.op(.tuple) }
        add("TUPLE2 across a mark", .pickleStackUnderflow, opcode: 4, { $0.op(.none).op(.mark).op(.none) }) {
            $0.op(.tuple2)
        }
        add("POP_MARK without a mark", .pickleStackUnderflow, opcode: 1, nothing) { $0.op(.popMark) }
        add("INT of letters", .pickleMalformedValue, protocol: nil, opcode: 0, nothing) { $0.line(.int, "x") }
        add("LONG of nothing", .pickleMalformedValue, protocol: nil, opcode: 0, nothing) { $0.line(.long, "L") }
        add("FLOAT of letters", .pickleMalformedValue, protocol: nil, opcode: 0, nothing) { $0.line(.float, "x") }
        add("line without an end", .pickleTruncated, protocol: nil, opcode: 0, stops: false, nothing) {
            $0.op(.int, [0x31])
        }
        add("LONG4 of negative length", .pickleMalformedValue, opcode: 1, nothing) { $0.op(.long4, Int32(-1)) }
        add("LONG4 over the limit", .pickleLimit, opcode: 1, nothing) { $0.op(.long4, Int32(1_025)) }
        add("BINSTRING of negative length", .pickleMalformedValue, opcode: 1, nothing) { $0.op(.binString, Int32(-1)) }
        add("BINUNICODE beyond the end", .pickleTruncated, opcode: 1, nothing) { $0.op(.binUnicode, UInt32.max) }
        add("BINUNICODE8 of 2^64 - 1", .pickleTruncated, opcode: 1, nothing) { $0.op(.binUnicode8, UInt64.max) }
        add("BINBYTES8 of 2^63 - 1", .pickleTruncated, opcode: 1, nothing) {
            $0.op(.binBytes8, UInt64(Int64.max))
        }
        add("BYTEARRAY8 beyond the end", .pickleTruncated, opcode: 1, nothing) { $0.op(.byteArray8, UInt64(9)) }
        add("text that is not UTF-8", .pickleMalformedValue, opcode: 1, nothing) { $0.op(.shortBinUnicode, [1, 0xFF]) }
        add("overlong UTF-8", .pickleMalformedValue, opcode: 1, nothing) { $0.op(.shortBinUnicode, [2, 0xC0, 0x80]) }
        add("UNICODE with a short escape", .pickleMalformedValue, protocol: nil, opcode: 0, nothing) {
            $0.line(.unicode, "\\u12")
        }
        add("UNICODE beyond U+10FFFF", .pickleMalformedValue, protocol: nil, opcode: 0, nothing) {
            $0.line(.unicode, "\\UFFFFFFFF")
        }
        add("STRING without quotes", .pickleMalformedValue, protocol: nil, opcode: 0, nothing) {
            $0.line(.string, "abc")
        }
        add("APPEND to a dict", .pickleWrongKind, opcode: 3, { $0.op(.emptyDict).op(.none) }) { $0.op(.append) }
        add("APPENDS to a tuple", .pickleWrongKind, opcode: 4, { $0.op(.emptyTuple).op(.mark).op(.none) }) {
            $0.op(.appends)
        }
        add("SETITEM on a list", .pickleWrongKind, opcode: 4, { $0.op(.emptyList).op(.none).op(.none) }) {
            $0.op(.setItem)
        }
        add("SETITEMS of odd count", .pickleWrongKind, opcode: 4, { $0.op(.emptyDict).op(.mark).op(.none) }) {
            $0.op(.setItems)
        }
        add("DICT of odd count", .pickleWrongKind, opcode: 3, { $0.op(.mark).op(.none) }) { $0.op(.dict) }
        add("list as key", .pickleWrongKind, opcode: 4, { $0.op(.emptyDict).op(.emptyList).op(.none) }) {
            $0.op(.setItem)
        }
        add("dict in a frozen set", .pickleWrongKind, opcode: 3, { $0.op(.mark).op(.emptyDict) }) { $0.op(.frozenSet) }
        add("ADDITEMS to a list", .pickleWrongKind, opcode: 4, { $0.op(.emptyList).op(.mark).op(.none) }) {
            $0.op(.addItems)
        }
        add("GET of a missing id", .pickleMemoMissing, opcode: 1, nothing) { $0.op(.binGet, [0]) }
        add("LONG_BINGET of a missing id", .pickleMemoMissing, opcode: 1, nothing) { $0.op(.longBinGet, UInt32(7)) }
        add("GET of no number", .pickleMalformedValue, protocol: nil, opcode: 0, nothing) { $0.line(.get, "-1") }
        add("PUT of 2^32", .pickleMalformedValue, protocol: nil, opcode: 1, { $0.op(.none) }) {
            $0.line(.put, "4294967296")
        }
        add("STACK_GLOBAL of a number", .pickleWrongKind, protocol: 4, opcode: 3, { $0.text("os").int(1) }) {
            $0.op(.stackGlobal)
        }
        add(
            "STACK_GLOBAL of bytes", .pickleWrongKind, protocol: 4, opcode: 3,
            {
                $0.text("os").op(.shortBinBytes, [1, 0x61])
            }
        ) { $0.op(.stackGlobal) }
        add("OBJ without a class", .pickleStackUnderflow, opcode: 2, { $0.op(.mark) }) { $0.op(.obj) }
        add("REDUCE with a list", .pickleWrongKind, opcode: 3, { $0.global("m", "f").op(.emptyList) }) {
            $0.op(.reduce)
        }
        add("NEWOBJ with None", .pickleWrongKind, opcode: 3, { $0.global("m", "C").op(.none) }) { $0.op(.newObj) }
        add(
            "NEWOBJ_EX without a dict", .pickleWrongKind, opcode: 4,
            {
                $0.global("m", "C").op(.emptyTuple).op(.emptyTuple)
            }
        ) { $0.op(.newObjEx) }
        add("BUILD on a class", .pickleForbiddenBuild, opcode: 3, { $0.global("m", "C").op(.emptyDict) }) {
            $0.op(.build)
        }
        add("BUILD on a dict", .pickleWrongKind, opcode: 3, { $0.op(.emptyDict).op(.emptyDict) }) { $0.op(.build) }
        add("PERSID outside tar", .pickleForbiddenOpcode, opcode: 1, nothing) { $0.line(.persID, "1") }
        add("EXT1", .pickleForbiddenOpcode, opcode: 1, nothing) { $0.op(.ext1, [1]) }
        add("EXT2", .pickleForbiddenOpcode, opcode: 1, nothing) { $0.op(.ext2, [1, 0]) }
        add("EXT4", .pickleForbiddenOpcode, opcode: 1, nothing) { $0.op(.ext4, [1, 0, 0, 0]) }
        add("NEXT_BUFFER", .pickleForbiddenOpcode, opcode: 1, nothing) { $0.op(.nextBuffer) }
        add("READONLY_BUFFER", .pickleForbiddenOpcode, opcode: 1, nothing) { $0.op(.readOnlyBuffer) }
        add("a huge global", .pickleLimit, opcode: 1, nothing) {
            $0.global(String(repeating: "m", count: 5_000), "x")
        }
        return cases
    }()

    @Test(arguments: 0..<Self.cases.count)
    func refuses(_ index: Int) {
        let test = Self.cases[index]
        var budget = PickleBudget(.standard)
        let error = thrownError { try PickleMachine.run(test.bytes, entry: "p", budget: &budget) }
        #expect(error?.code == test.code, "\(test.name)")
        #expect(error?.location.byteOffset == test.offset, "\(test.name)")
        #expect(error?.location.opcodeIndex == test.opcode, "\(test.name)")
        #expect(error?.location.entry == "p")
    }

    @Test func operationsAreLimited() {
        var limits = Limits()
        limits.pickleOperations = 10
        let pickle = PickleAssembler()
        for _ in 0..<20 { pickle.op(.none).op(.pop) }
        var budget = PickleBudget(limits)
        let error = thrownError { try PickleMachine.run(pickle.stopped, entry: "p", limits: limits, budget: &budget) }
        #expect(error?.code == .pickleLimit)
        #expect(error?.location.opcodeIndex == 10)
    }

    @Test func valuesAreLimitedAndTheBudgetIsShared() throws {
        var limits = Limits()
        limits.pickleNodes = 10
        let pickle = PickleAssembler()
        pickle.op(.mark)
        for _ in 0..<6 { pickle.op(.emptyList) }
        pickle.op(.tuple)
        var budget = PickleBudget(limits)
        _ = try PickleMachine.run(pickle.stopped, entry: "p", limits: limits, budget: &budget)
        #expect(budget.nodes == 3)
        let error = thrownError { try PickleMachine.run(pickle.stopped, entry: "p", limits: limits, budget: &budget) }
        #expect(error?.code == .pickleLimit)
    }

    @Test func streamsAndDecodedTextAreLimited() {
        var limits = Limits()
        limits.pickleBytes = 4
        var budget = PickleBudget(limits)
        #expect(
            thrownError {
                try PickleMachine.run([0x80, 2, 0x4E, 0x2E, 0], entry: "p", limits: limits, budget: &budget)
            }?
            .code == .pickleLimit)
        limits = Limits()
        limits.picklePayloadFactor = 0
        let pickle = PickleAssembler(protocol: nil)
        pickle.line(.unicode, "text")
        #expect(
            thrownError { try PickleMachine.run(pickle.stopped, entry: "p", limits: limits, budget: &budget) }?.code
                == .pickleLimit)
    }

    @Test func textPersistentIDsAreReadWhereTheyBelong() throws {
        let pickle = PickleAssembler(protocol: nil)
        pickle.line(.persID, "12")
        var budget = PickleBudget(.standard)
        let graph = try PickleMachine.run(
            pickle.stopped, entry: "p", budget: &budget, allowsTextPersistentIDs: true)
        #expect(PickleRendering.text(graph) == "@'12'")
    }

    @Test func everyTruncationIsRefused() {
        let pickle = PickleAssembler(protocol: 4)
        pickle.op(.emptyDict).op(.memoize).op(.mark)
        pickle.text("k").op(.memoize).tensor("0", count: 4, shape: [2, 2], strides: [2, 1]).op(.setItems)
        let bytes = pickle.stopped
        for count in 0..<bytes.count {
            var budget = PickleBudget(.standard)
            let error = thrownError { try PickleMachine.run(Array(bytes[..<count]), entry: "p", budget: &budget) }
            #expect(error?.code == .pickleTruncated, "\(count)")
        }
    }
}
