import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// Every threat of `formats.md` §10.1 as a file (`make_attacks.py`): refused or flagged as the table says.
@Suite struct AttackTests {
    @Test func theFixturesAreThere() {
        #expect(Attack.all.count >= 170)
        #expect(Set(Attack.all.map(\.row)).count >= 25)
    }

    @Test("each hostile file is refused with its code, or flagged", arguments: Attack.all)
    func isRefusedOrFlagged(_ attack: Attack) throws {
        let opened = Result { try Checkpoint.open(path: attack.path) }
        if let code = attack.code {
            let error = thrownError {
                let checkpoint = try opened.get()
                #expect(attack.isRefusedWhenRead, "\(attack.name) opened")
                let tensors = checkpoint.stateDicts.flatMap(\.tensors) + checkpoint.looseTensors
                try tensors.checkExpansion(file: attack.path)
                for tensor in tensors {
                    _ = try tensor.withContiguousBytes { $0.count }
                }
            }
            #expect(error?.code.name == code, "\(attack.name): \(error.map { "\($0)" } ?? "no error")")
            #expect(error?.location.file != nil || attack.isRefusedWhenRead, "\(attack.name)")
            return
        }
        let checkpoint = try opened.get()
        for flag in attack.flags {
            let found = checkpoint.findings.contains {
                $0.severity.rawValue == flag.severity && $0.global == flag.global
            }
            #expect(found, "\(attack.name): \(checkpoint.findings)")
        }
        let isDangerous = attack.flags.contains { $0.severity == "dangerous" }
        let refusal = thrownError { try checkpoint.requireSafe() }
        let isRefused = isDangerous || attack.row == "denied global never called"
        #expect(refusal?.code == (isRefused ? .pickleDangerous : nil), "\(attack.name)")
        #expect(!isRefused || refusal?.location.byteOffset != nil, "\(attack.name)")
    }

    /// A link cannot be committed everywhere, so this one is made here.
    @Test func shardsThatLinkOutOfTheirFolderAreRefused() throws {
        let folder = try TemporaryDirectory()
        let outside = try TemporaryDirectory()
        try Data("{}".utf8).write(to: URL(filePath: outside.path("secret")))
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("a.bin"), withDestinationPath: outside.path("secret"))
        try Data("{\"weight_map\": {\"w\": \"a.bin\"}}".utf8).write(
            to: URL(filePath: folder.path("model.safetensors.index.json")))
        let error = thrownError { try Checkpoint.open(path: folder.url.path(percentEncoded: false)) }
        #expect(error?.code == .unsafePath)
        #expect(error?.location.entry == "a.bin")
    }
}
