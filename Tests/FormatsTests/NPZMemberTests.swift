import Testing
import UD2MFormats
import UD2MTestSupport

/// What becomes of an `.npz` archive when some of its arrays hold no numbers.
@Suite("npz members that are no tensors")
struct NPZMemberTests {
    private static func array(_ descriptor: String, shape: String = "(2,)", data: [UInt8]) -> [UInt8] {
        let header = Array("{'descr': \(descriptor), 'fortran_order': False, 'shape': \(shape), }\n".utf8)
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0] + header + data
    }

    private static let numbers = array("'<f4'", data: TorchArchive.floats([1, 2]))

    private static func open(_ members: [(String, [UInt8])], method: UInt16 = 0) throws -> Checkpoint {
        let entries = members.map { name, data in
            var entry = ZipBuilder.Entry("\(name).npy", data)
            entry.method = method
            return entry
        }
        return try Checkpoint.open(bytes: ZipBuilder(entries).build())
    }

    @Test(
        "texts, dates and structures are skipped with the reason, and the numbers beside them are read",
        arguments: ["'<U5'", "'|S5'", "'<M8[ns]'", "[('a', '<f4'), ('HELLO', '<i4')]"], [UInt16(0), 8])
    func skipped(_ descriptor: String, _ method: UInt16) throws {
        let odd = Self.array(descriptor, data: [UInt8](repeating: 0, count: 40))
        let checkpoint = try Self.open([("label", odd), ("weight", Self.numbers)], method: method)
        #expect(checkpoint.skipped.map(\.path) == [["label"]])
        #expect(checkpoint.skipped.first?.reason.isEmpty == false)
        let tensors = try #require(checkpoint.stateDicts.first).tensors
        #expect(tensors.map(\.name) == ["weight"])
        #expect(try tensors.first?.floats() == [1, 2])
    }

    @Test("of a deflated member only the start is inflated before its numbers are read")
    func deflatedMembersAreDescribedByTheirStart() throws {
        var entry = ZipBuilder.Entry(
            "weight.npy", Self.array("'<f4'", shape: "(100000,)", data: [UInt8](repeating: 0, count: 400_000)))
        entry.method = 8
        entry.crc = 1
        let checkpoint = try Checkpoint.open(bytes: ZipBuilder([entry]).build())
        let tensor = try #require(checkpoint.stateDicts.first?.tensors.first)
        #expect(tensor.shape == [100_000])
        #expect(thrownError { try tensor.floats() }?.code == .zipChecksum)
    }

    @Test("an archive of nothing else has no state dict")
    func nothingElse() throws {
        let checkpoint = try Self.open([("label", Self.array("'<U1'", data: [UInt8](repeating: 0, count: 8)))])
        #expect(checkpoint.stateDicts.isEmpty)
        #expect(checkpoint.skipped.count == 1)
    }

    @Test(
        "an array of Python objects, also as a field of a structure, is skipped and its pickle judged",
        arguments: [
            "'|O'", "'|O8'", "'O'", "'object'", "'i4,O'", "[('a', '<f4'), ('b', '|O')]", "[('a', \"|O8\")]",
            "[(('title', 'a'), [('b', '|O', (2,))])]",
        ])
    func objects(_ descriptor: String) throws {
        func open(_ pickle: String) throws -> Checkpoint {
            try Self.open([("weight", Self.numbers), ("odd", Self.array(descriptor, data: Array(pickle.utf8)))])
        }
        let harmless = try open("N.")
        #expect(harmless.stateDicts.first?.tensors.map(\.name) == ["weight"])
        #expect(harmless.skipped.map(\.path) == [["odd"]])
        #expect(harmless.findings.isEmpty)
        let call = "cposix\nsystem\n(S'id'\ntR."
        let finding = try #require(try open(call).findings.first)
        #expect(finding.severity == .dangerous && finding.global == "posix.system" && finding.entry == "odd.npy")
        // The byte is one of the member, behind the array's header.
        #expect(finding.byteOffset > 10)
        // A pickle that breaks off is judged up to there.
        let cut = try open(String(call.dropLast()))
        #expect(cut.findings.map(\.severity) == [.dangerous, .suspicious])
    }

    @Test("fields that are merely called as objects are, hold none")
    func fieldNames() throws {
        let odd = Self.array("[('O', '<f4'), ('object', [('|O', '<i4')])]", data: [UInt8](repeating: 0, count: 16))
        let checkpoint = try Self.open([("weight", Self.numbers), ("odd", odd)])
        #expect(checkpoint.skipped.map(\.path) == [["odd"]])
        #expect(checkpoint.findings.isEmpty)
    }

    @Test(
        "headers that could hide objects from us and not from NumPy are refused",
        arguments: [
            "[('a', '\\x4f')]", "[('a', '|' 'O')]", "['O']", "[('a',)]", "[('a', '<f4')], 'descr': '|O'",
            String(repeating: "[('a', ", count: 18),
        ])
    func hiddenObjects(_ descriptor: String) {
        expectError(.npyHeader) { _ = try Checkpoint.open(bytes: Self.array(descriptor, data: Array("N.".utf8))) }
    }

    @Test("damage of a member is an error, not a reason to skip it")
    func damage() {
        expectError(.npySize) {
            _ = try Self.open([("weight", Self.array("'<f4'", shape: "(3,)", data: TorchArchive.floats([1, 2])))])
        }
    }
}
