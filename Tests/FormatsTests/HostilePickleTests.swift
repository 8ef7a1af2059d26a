import Testing
import UD2MFormats
import UD2MTestSupport

/// What a pickle would import and call, and how it is judged (`formats.md` §10.1–10.2).
@Suite struct HostilePickleTests {
    private static func findings(_ write: (PickleAssembler) -> Void) throws -> [PickleFinding] {
        let pickle = PickleAssembler(protocol: 4)
        write(pickle)
        return try TorchArchive(pickle: pickle.stopped).open().findings
    }

    private static func call(_ pickle: PickleAssembler, _ module: String, _ name: String) {
        pickle.global(module, name).text("x").op(.tuple1).op(.reduce)
    }

    // MARK: Dangerous

    private static let dangerous: [(name: String, global: String, write: @Sendable (PickleAssembler) -> Void)] = [
        ("REDUCE", "os.system", { call($0, "os", "system") }),
        ("a Python-2 name", "builtins.eval", { call($0, "__builtin__", "eval") }),
        ("a Python-2 module", "subprocess.getoutput", { call($0, "commands", "getoutput") }),
        ("INST", "os.system", { $0.op(.mark).text("x").op(.inst, Array("os\nsystem\n".utf8)) }),
        ("OBJ", "os.system", { $0.op(.mark).global("os", "system").text("x").op(.obj) }),
        ("NEWOBJ", "subprocess.Popen", { $0.global("subprocess", "Popen").text("x").op(.tuple1).op(.newObj) }),
        (
            "NEWOBJ_EX", "subprocess.Popen",
            {
                $0.global("subprocess", "Popen").op(.emptyTuple).op(.emptyDict).op(.newObjEx)
            }
        ),
        (
            "STACK_GLOBAL", "posix.system",
            {
                $0.text("posix").text("system").op(.stackGlobal).text("x").op(.tuple1).op(.reduce)
            }
        ),
        (
            "STACK_GLOBAL from the memo after decoys", "posix.system",
            { pickle in
                pickle.text("posix").op(.memoize).op(.pop).text("collections").op(.pop).text("system").op(.memoize)
                pickle.op(.pop).op(.binGet, [0]).op(.binGet, [1]).op(.stackGlobal).text("x").op(.tuple1).op(.reduce)
            }
        ),
        (
            "a submodule", "importlib.machinery.SourceFileLoader",
            {
                call($0, "importlib.machinery", "SourceFileLoader")
            }
        ),
        ("a dotted name", "torch.serialization.os.system", { call($0, "torch.serialization", "os.system") }),
        ("a dotted name of unknown purpose", "torch._utils.evil.run", { call($0, "torch._utils", "evil.run") }),
        ("a name with a space", "m.C ", { call($0, "m", "C ") }),
        ("a name that is not ASCII", "m.Ⅽ", { call($0, "m", "Ⅽ") }),
        (
            "the result of a call", "m.f(…)",
            { pickle in
                call(pickle, "m", "f")
                pickle.op(.emptyTuple).op(.reduce)
            }
        ),
        ("text as callable", "(no global)", { $0.text("x").op(.emptyTuple).op(.reduce) }),
        ("operator.attrgetter", "operator.attrgetter", { call($0, "operator", "attrgetter") }),
        ("copyreg.__newobj_ex__", "copyreg.__newobj_ex__", { call($0, "copyreg", "__newobj_ex__") }),
        (
            "copyreg._reconstructor of a denied class", "subprocess.Popen",
            { pickle in
                pickle.global("copyreg", "_reconstructor").global("subprocess", "Popen").global("builtins", "object")
                pickle.op(.none).op(.tuple3).op(.reduce)
            }
        ),
        (
            "getattr of a dunder", "builtins.getattr",
            { pickle in
                pickle.global("builtins", "getattr").global("m", "C").text("__globals__").op(.tuple2).op(.reduce)
            }
        ),
        (
            "getattr of a denied module", "builtins.getattr",
            { pickle in
                pickle.global("builtins", "getattr").global("os", "path").text("join").op(.tuple2).op(.reduce)
            }
        ),
        (
            "getattr of getattr", "builtins.getattr",
            { pickle in
                pickle.global("builtins", "getattr").op(.dup).global("m", "C").text("a").op(.tuple2).op(.reduce)
                pickle.text("b").op(.tuple2).op(.reduce)
            }
        ),
        (
            "functools.partial of a denied function", "functools.partial",
            { pickle in
                pickle.global("functools", "partial").global("os", "system").op(.tuple1).op(.reduce)
            }
        ),
        (
            "functools.partial whose state is denied", "functools.partial",
            { pickle in
                pickle.global("functools", "partial").global("m", "f").op(.tuple1).op(.reduce)
                pickle.op(.mark).global("os", "system").op(.emptyTuple).op(.emptyDict).op(.none).op(.tuple).op(.build)
            }
        ),
        (
            "a codec honest files do not use", "_codecs.encode",
            { pickle in
                pickle.global("_codecs", "encode").text("x").text("rot13").op(.tuple2).op(.reduce)
            }
        ),
        ("a nested pickle", "pickle.loads", { call($0, "pickle", "loads") }),
        ("torch.load", "torch.load", { call($0, "torch", "load") }),
    ]

    @Test(arguments: 0..<Self.dangerous.count)
    func callsAreDangerous(_ index: Int) throws {
        let test = Self.dangerous[index]
        let findings = try Self.findings(test.write)
        let worst = findings.filter { $0.severity == .dangerous }
        #expect(worst.map(\.global) == [test.global], "\(test.name)")
        #expect(worst.allSatisfy { $0.entry == "archive/data.pkl" && $0.byteOffset > 0 && $0.opcodeIndex > 0 })
    }

    @Test func findingsCarryTheOpcode() throws {
        // PROTO at 0, GLOBAL at 2, BINUNICODE at 13, TUPLE1 at 19, REDUCE at 20.
        let finding = try #require(try Self.findings { Self.call($0, "os", "system") }.first)
        #expect(finding.byteOffset == 20)
        #expect(finding.opcodeIndex == 4)
    }

    // MARK: Less than dangerous

    private static let lesser:
        [(name: String, severities: [PickleFinding.Severity], write: @Sendable (PickleAssembler) -> Void)] = [
            ("a denied name as a value", [.suspicious], { $0.global("os", "system") }),
            (
                "a denied default factory", [.suspicious],
                {
                    $0.global("collections", "defaultdict").global("os", "system").op(.tuple1).op(.reduce)
                }
            ),
            (
                "an object of a nested class", [.suspicious],
                { $0.global("m", "Outer.Inner").op(.emptyTuple).op(.newObj) }
            ),
            ("an unknown class", [.note], { $0.global("m", "C").op(.emptyTuple).op(.newObj) }),
            ("a function nobody has listed", [.suspicious], { call($0, "m", "run") }),
            ("a function of a package whose classes are inert", [.suspicious], { call($0, "omegaconf.tools", "run") }),
            ("a look-alike", [.note], { call($0, "collections", "OrderedDictEvil") }),
            (
                "an enum member by getattr", [.note],
                {
                    $0.global("builtins", "getattr").global("m", "Colour").text("RED").op(.tuple2).op(.reduce)
                }
            ),
            (
                "functools.partial", [.note],
                {
                    $0.global("functools", "partial").global("m", "f").op(.tuple1).op(.reduce)
                }
            ),
            ("bytes after STOP", [.suspicious], { $0.op(.none).op(.stop).op(.none) }),
            ("OrderedDict", [], { $0.emptyOrderedDict() }),
            (
                "bytes of protocol 2", [],
                {
                    $0.global("_codecs", "encode").text("ÿ").text("latin1").op(.tuple2).op(.reduce)
                }
            ),
            (
                "a numpy scalar", [],
                {
                    $0.global("numpy.core.multiarray", "scalar").global("numpy", "dtype").op(.emptyTuple).op(.tuple2)
                    $0.op(.reduce)
                }
            ),
            (
                "OmegaConf", [],
                { pickle in
                    pickle.global("omegaconf.dictconfig", "DictConfig").op(.emptyTuple).op(.newObj).op(.memoize)
                    pickle.op(.emptyDict).text("_parent").op(.binGet, [0]).op(.setItem).text("_content").op(.emptyDict)
                    pickle.op(.setItem).op(.build)
                }
            ),
            (
                "Namespace", [],
                { pickle in
                    pickle.global("argparse", "Namespace").op(.emptyTuple).op(.newObj)
                    pickle.op(.emptyDict).text("lr").int(1).op(.setItem).op(.build)
                }
            ),
        ]

    @Test(arguments: 0..<Self.lesser.count)
    func severities(_ index: Int) throws {
        let test = Self.lesser[index]
        #expect(try Self.findings(test.write).map(\.severity) == test.severities, "\(test.name)")
    }

    @Test func picklesAfterStopAreScannedToo() throws {
        let first = PickleAssembler()
        first.op(.none)
        let second = PickleAssembler()
        Self.call(second, "os", "system")
        let checkpoint = try TorchArchive(pickle: first.stopped + second.stopped).open()
        #expect(checkpoint.findings.map(\.severity) == [.suspicious, .dangerous])
        #expect(checkpoint.findings.last?.byteOffset == first.stopped.count + 20)
    }

    @Test func usesAreCountedOnce() throws {
        let findings = try Self.findings { pickle in
            pickle.op(.mark)
            for _ in 0..<1_000 { Self.call(pickle, "os", "system") }
            pickle.op(.list)
        }
        #expect(findings.count == 1)
    }

    // MARK: Refused outright

    @Test(arguments: ["__setstate__", "__reduce__", "__class__", "__init__"])
    func statesThatPlantBehaviourAreRefused(_ attribute: String) {
        let error = thrownError {
            try Self.findings { pickle in
                pickle.global("m", "C").op(.emptyTuple).op(.newObj)
                pickle.op(.emptyDict).text(attribute).op(.none).op(.setItem).op(.build)
            }
        }
        #expect(error?.code == .pickleForbiddenBuild)
        #expect(error?.location.opcodeIndex != nil)
    }

    /// The state is filled only after BUILD has taken it.
    @Test func statesFilledLateAreRefusedToo() {
        let error = thrownError {
            try Self.findings { pickle in
                pickle.global("m", "C").op(.emptyTuple).op(.newObj).op(.emptyDict).op(.memoize).op(.build)
                pickle.op(.binGet, [0]).text("__class__").op(.none).op(.setItem).op(.tuple2)
            }
        }
        #expect(error?.code == .pickleForbiddenBuild)
    }

    @Test func nestedStreamsAreFollowedToTheirLimit() throws {
        func nest(_ bytes: [UInt8]) -> [UInt8] {
            let pickle = PickleAssembler(protocol: 4)
            pickle.global("torch.storage", "_load_from_bytes").op(
                .binBytes, UInt32(bytes.count).littleEndianBytes + bytes)
            pickle.op(.tuple1).op(.reduce)
            return pickle.stopped
        }
        let inner = PickleAssembler()
        Self.call(inner, "os", "system")
        let twice = try TorchArchive(pickle: nest(nest(inner.stopped))).open()
        #expect(twice.findings.contains { $0.global == "os.system" && $0.severity == .dangerous })
        let error = thrownError { try TorchArchive(pickle: nest(nest(nest(inner.stopped)))).open() }
        #expect(error?.code == .pickleLimit)
    }
}

extension UInt32 {
    fileprivate var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}
