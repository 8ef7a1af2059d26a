import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// Files that torch.save wrote (`Tests/Fixtures/make_hostile.py`), against what PyTorch itself reads from them.
@Suite struct TorchFixtureTests {
    private struct Expected: Decodable {
        let shape: [Int]
        let bytes: String
    }

    private static func path(_ name: String) -> String {
        RepositoryPaths.fixtures.appending(path: "hostile/\(name)").path(percentEncoded: false)
    }

    private static func expected(_ name: String) throws -> [String: Expected] {
        try JSONDecoder().decode([String: Expected].self, from: Data(contentsOf: URL(filePath: path(name))))
    }

    private static func check(_ state: StateDict, against expected: [String: Expected]) throws {
        #expect(Set(state.tensors.map(\.name.text)) == Set(expected.keys))
        for tensor in state.tensors {
            let wanted = try #require(expected[tensor.name.text])
            let hex = try tensor.withContiguousBytes { bytes in
                bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            }
            #expect(tensor.shape == wanted.shape, "\(tensor.name)")
            #expect(hex == wanted.bytes, "\(tensor.name)")
        }
    }

    @Test(arguments: ["protocol2.pt", "protocol3.pt", "protocol4.pt", "protocol5.pt", "deflated.pt"])
    func everyTensorHasPyTorchsBytes(_ name: String) throws {
        let checkpoint = try Checkpoint.open(path: Self.path(name))
        #expect(checkpoint.findings.isEmpty && checkpoint.skipped.isEmpty && checkpoint.looseTensors.isEmpty)
        try Self.check(try #require(checkpoint.stateDicts.first), against: Self.expected("tensors.json"))
    }

    @Test func wholeModulesGiveTheirStateDict() throws {
        let checkpoint = try Checkpoint.open(path: Self.path("module.pt"))
        try Self.check(try #require(checkpoint.stateDicts.first), against: Self.expected("module.json"))
        #expect(checkpoint.looseTensors.map(\.path) == [["cache"]], "a buffer that no state dict holds")
        #expect(checkpoint.findings.map(\.severity) == [.note])
        try checkpoint.requireSafe()
    }

    @Test(arguments: ["honest2.pt", "honest4.pt"])
    func honestFilesOpenInSilence(_ name: String) throws {
        let checkpoint = try Checkpoint.open(path: Self.path(name))
        #expect(checkpoint.findings.isEmpty)
        #expect(checkpoint.stateDicts.map(\.path) == [["state_dict"], ["optimizer", "state", "0"]])
        #expect(checkpoint.looseTensors.map(\.path) == [["array"], ["list", "0"], ["list", "1", "0"]])
        try checkpoint.requireSafe()
    }

    @Test(arguments: [
        ("os_system.pt", "posix.system"), ("os_system4.pt", "posix.system"), ("eval.pt", "builtins.eval"),
        ("load_from_bytes.pt", "posix.system"),
    ])
    func hostileFilesAreDescribedAndRefused(_ name: String, _ global: String) throws {
        let checkpoint = try Checkpoint.open(path: Self.path(name))
        let worst = try #require(checkpoint.findings.first { $0.severity == .dangerous })
        #expect(worst.global == global)
        let error = thrownError { try checkpoint.requireSafe() }
        #expect(error?.code == .pickleDangerous)
        #expect(error?.code.category == .refused)
        #expect(error?.location.entry == worst.entry)
        #expect(error?.location.byteOffset == worst.byteOffset)
        #expect(error?.location.opcodeIndex == worst.opcodeIndex)
    }

    @Test func zipBombsAreRefused() {
        let error = thrownError { try Checkpoint.open(path: Self.path("bomb.pt")) }
        #expect(error?.code == .zipBomb)
        #expect(error?.location.entry == "archive/data.pkl")
    }
}
