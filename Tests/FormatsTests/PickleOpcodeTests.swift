import Testing
import UD2MFormats
import UD2MTestSupport

/// Every opcode does what `formats.md` §3.2 says.
@Suite struct PickleOpcodeTests {
    /// Pickles by hand, and what they build.
    private static let cases: [(name: String, bytes: [UInt8], opcodes: Set<PickleOpcode>, value: String)] = {
        var cases: [(String, [UInt8], Set<PickleOpcode>, String)] = []
        func add(_ name: String, protocol version: UInt8? = 2, _ value: String, _ write: (PickleAssembler) -> Void) {
            let pickle = PickleAssembler(protocol: version)
            write(pickle)
            cases.append((name, pickle.stopped, pickle.opcodes, value))
        }
        add("NONE", "None") { $0.op(.none) }
        add("NEWTRUE", "True") { $0.op(.newTrue) }
        add("NEWFALSE", "False") { $0.op(.newFalse) }
        add("INT", protocol: nil, "-42") { $0.line(.int, "-42") }
        add("INT as bool", protocol: nil, "(True, False)") { $0.line(.int, "01").line(.int, "00").op(.tuple2) }
        add("LONG", protocol: nil, "7") { $0.line(.long, "7L") }
        add("LONG beyond 64 bits", protocol: nil, "big:39323233333732303336383534373735383038") {
            $0.line(.long, "9223372036854775808L")
        }
        add("BININT", "-2") { $0.op(.binInt, Int32(-2)) }
        add("BININT1", "255") { $0.op(.binInt1, UInt8(255)) }
        add("BININT2", "65535") { $0.op(.binInt2, UInt16(65_535)) }
        add("LONG1", "-129") { $0.op(.long1, [2, 0x7F, 0xFF]) }
        add("LONG1 of no bytes", "0") { $0.op(.long1, [0]) }
        add("LONG1 of eight bytes", "\(Int64.min)") { $0.op(.long1, [8, 0, 0, 0, 0, 0, 0, 0, 0x80]) }
        add("LONG1 of nine bytes", "big:000000000000008000") { $0.op(.long1, [9, 0, 0, 0, 0, 0, 0, 0, 0x80, 0]) }
        add("LONG4", "258") { $0.op(.long4, [2, 0, 0, 0, 2, 1]) }
        add("BINFLOAT is big-endian", "1.5") { $0.op(.binFloat, [0x3F, 0xF8, 0, 0, 0, 0, 0, 0]) }
        add("FLOAT", protocol: nil, "-0.25") { $0.line(.float, "-0.25") }
        add("STRING", protocol: nil, "str:610a27415c71") { $0.line(.string, "'a\\n\\'\\x41\\q'") }
        add("STRING in octal", protocol: nil, "str:41ff") { $0.line(.string, "\"\\101\\377\"") }
        add("BINSTRING", "str:ff00") { $0.op(.binString, [2, 0, 0, 0, 0xFF, 0]) }
        add("SHORT_BINSTRING", "str:61") { $0.op(.shortBinString, [1, 0x61]) }
        add("BINUNICODE", "'é'") { $0.text("é") }
        add("SHORT_BINUNICODE", protocol: 4, "'k'") { $0.op(.shortBinUnicode, [1, 0x6B]) }
        add("BINUNICODE8", protocol: 4, "'k'") { $0.op(.binUnicode8, [1, 0, 0, 0, 0, 0, 0, 0, 0x6B]) }
        add("UNICODE", protocol: nil, "'aé\u{1F600}\\x'") {
            $0.op(.unicode, [0x61, 0xE9] + Array("\\U0001F600\\x\n".utf8))
        }
        add("BINBYTES", protocol: 3, "b:0102") { $0.op(.binBytes, [2, 0, 0, 0, 1, 2]) }
        add("SHORT_BINBYTES", protocol: 3, "b:01") { $0.op(.shortBinBytes, [1, 1]) }
        add("BINBYTES8", protocol: 4, "b:01") { $0.op(.binBytes8, [1, 0, 0, 0, 0, 0, 0, 0, 1]) }
        add("BYTEARRAY8", protocol: 5, "b:01") { $0.op(.byteArray8, [1, 0, 0, 0, 0, 0, 0, 0, 1]) }
        add("EMPTY_TUPLE", "()") { $0.op(.emptyTuple) }
        add("TUPLE", "(1, 2)") { $0.ints([1, 2]) }
        add("TUPLE1", "(1)") { $0.int(1).op(.tuple1) }
        add("TUPLE2", "(1, 2)") { $0.int(1).int(2).op(.tuple2) }
        add("TUPLE3", "(1, 2, 3)") { $0.int(1).int(2).int(3).op(.tuple3) }
        add("EMPTY_LIST and APPEND", "[1]") { $0.op(.emptyList).int(1).op(.append) }
        add("APPENDS", "[1, 2]") { $0.op(.emptyList).op(.mark).int(1).int(2).op(.appends) }
        add("LIST", protocol: nil, "[1, 2]") { $0.op(.mark).int(1).int(2).op(.list) }
        add("EMPTY_DICT and SETITEM", "{1: 2}") { $0.op(.emptyDict).int(1).int(2).op(.setItem) }
        add("SETITEMS", "{1: 2, 3: 4}") { $0.op(.emptyDict).op(.mark).int(1).int(2).int(3).int(4).op(.setItems) }
        add("DICT", protocol: nil, "{1: 2}") { $0.op(.mark).int(1).int(2).op(.dict) }
        add("EMPTY_SET and ADDITEMS", protocol: 4, "{1, 2}") { $0.op(.emptySet).op(.mark).int(1).int(2).op(.addItems) }
        add("FROZENSET", protocol: 4, "frozenset{1}") { $0.op(.mark).int(1).op(.frozenSet) }
        add("POP", "1") { $0.int(1).int(2).op(.pop) }
        add("POP of a mark", "1") { $0.int(1).op(.mark).op(.pop) }
        add("POP_MARK", "1") { $0.int(1).op(.mark).int(2).int(3).op(.popMark) }
        add("DUP", "(1, 1)") { $0.int(1).op(.dup).op(.tuple2) }
        add("BINPUT and BINGET", "([1], [1])") {
            $0.op(.emptyList).op(.binPut, [5]).int(1).op(.append).op(.binGet, [5]).op(.tuple2)
        }
        add("LONG_BINPUT and LONG_BINGET at the highest id", "(1, 1)") {
            $0.int(1).op(.longBinPut, UInt32.max).op(.longBinGet, UInt32.max).op(.tuple2)
        }
        add("PUT and GET", protocol: nil, "[1, 1]") {
            $0.op(.mark).int(1).line(.put, "12").line(.get, "12").op(.list)
        }
        add("MEMOIZE counts entries", protocol: 4, "(1, 2, 1)") {
            $0.int(1).op(.memoize).int(2).op(.memoize).op(.binGet, [0]).op(.tuple3)
        }
        add("GLOBAL", "collections.OrderedDict") { $0.global("collections", "OrderedDict") }
        add("STACK_GLOBAL", protocol: 4, "a.b") { $0.text("a").text("b").op(.stackGlobal) }
        add("STACK_GLOBAL after decoys", protocol: 4, "a.b") {
            $0.text("a").op(.memoize).op(.pop).text("x").op(.pop).op(.binGet, [0]).text("b").op(.dup).op(.pop)
            $0.op(.stackGlobal)
        }
        add("INST", protocol: nil, "m.C(1)") { $0.op(.mark).int(1).op(.inst, Array("m\nC\n".utf8)) }
        add("OBJ", protocol: nil, "m.C(1)") { $0.op(.mark).global("m", "C").int(1).op(.obj) }
        add("REDUCE", "m.f(1)") { $0.global("m", "f").int(1).op(.tuple1).op(.reduce) }
        add("NEWOBJ", "m.C.new(1)") { $0.global("m", "C").int(1).op(.tuple1).op(.newObj) }
        add("NEWOBJ_EX", protocol: 4, "m.C.new()**{1: 2}") {
            $0.global("m", "C").op(.emptyTuple).op(.emptyDict).int(1).int(2).op(.setItem).op(.newObjEx)
        }
        add("BUILD", "m.C.new() state {'a': 1}") {
            $0.global("m", "C").op(.emptyTuple).op(.newObj).op(.emptyDict).text("a").int(1).op(.setItem).op(.build)
        }
        add("APPENDS to an object", "m.C() items 1") {
            $0.global("m", "C").op(.emptyTuple).op(.reduce).op(.mark).int(1).op(.appends)
        }
        add("BINPERSID", "@('storage')") { $0.text("storage").op(.tuple1).op(.binPersID) }
        add("FRAME", protocol: 4, "None") { $0.op(.frame, UInt64(2)).op(.none) }
        return cases
    }()

    @Test(arguments: 0..<Self.cases.count)
    func builds(_ index: Int) throws {
        let (name, bytes, _, value) = Self.cases[index]
        var budget = PickleBudget(.standard)
        let graph = try PickleMachine.run(bytes, entry: "p", budget: &budget)
        #expect(PickleRendering.text(graph) == value, "\(name)")
        #expect(graph.endOffset == bytes.count)
    }

    @Test func everyOpcodeIsTested() {
        let tested = Self.cases.reduce(into: Set<PickleOpcode>()) { $0.formUnion($1.opcodes) }
        // The first five are refused everywhere, PERSID outside one container; STOP ends every case.
        let elsewhere: Set<PickleOpcode> = [.ext1, .ext2, .ext4, .nextBuffer, .readOnlyBuffer, .persID, .stop]
        #expect(Set(PickleOpcode.allCases).subtracting(tested) == elsewhere)
    }

    @Test func loneSurrogatesAreLegalText() throws {
        let bytes: [UInt8] = [0x80, 2, 0x58, 3, 0, 0, 0, 0xED, 0xA0, 0x80, 0x2E]
        var budget = PickleBudget(.standard)
        let graph = try PickleMachine.run(bytes, entry: "p", budget: &budget)
        #expect(graph.textBytes(graph.root).map(Array.init) == [0xED, 0xA0, 0x80])
    }

    @Test func memoHoldsReferencesToListsFilledLater() throws {
        let pickle = PickleAssembler()
        pickle.op(.emptyDict).op(.binPut, [0])
        pickle.text("self").op(.binGet, [0]).op(.setItem)
        var budget = PickleBudget(.standard)
        let graph = try PickleMachine.run(pickle.stopped, entry: "p", budget: &budget)
        let pairs = try #require(graph.mapping(graph.root))
        #expect(pairs.count == 1)
        #expect(pairs[0].value == graph.root)
    }

    @Test(arguments: [
        ("__builtin__", "eval", "builtins.eval"), ("__builtin__", "reduce", "functools.reduce"),
        ("__builtin__", "xrange", "builtins.range"), ("__builtin__", "long", "builtins.int"),
        ("__builtin__", "unicode", "builtins.str"), ("__builtin__", "str", "builtins.bytes"),
        ("copy_reg", "_reconstructor", "copyreg._reconstructor"), ("Queue", "Queue", "queue.Queue"),
        ("cPickle", "loads", "pickle.loads"), ("commands", "getoutput", "subprocess.getoutput"),
        ("torch._utils", "x", "torch._utils.x"),
    ])
    func python2NamesAreNormalised(_ module: String, _ name: String, _ expected: String) throws {
        let pickle = PickleAssembler()
        pickle.global(module, name)
        var budget = PickleBudget(.standard)
        let graph = try PickleMachine.run(pickle.stopped, entry: "p", budget: &budget)
        #expect(graph.global(graph.root)?.qualifiedName == expected)
    }

    @Test func globalsAreComparedByBytes() throws {
        // KELVIN SIGN is canonically equivalent to K, and must not be it here.
        #expect(PickleGlobal(module: "m", name: "\u{212A}") != PickleGlobal(module: "m", name: "K"))
    }
}
