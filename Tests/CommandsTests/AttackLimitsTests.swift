import Foundation
import Testing
import UD2MTestSupport

/// Every hostile file through the built tool, within limits of time and memory that the system enforces.
@Suite struct AttackLimitsTests {
    /// Runs the tool within the limits; beyond them the system ends it, which shows as an exit code above 128.
    private func run(_ arguments: [String], seconds: Int = 20) throws -> BuiltTool.Result {
        try BuiltTool("ud2m-convert").run(arguments + ["--json"], seconds: seconds, addressSpaceKiB: 1 << 20)
    }

    /// Whether the file calls or names what could run code.
    private func isDangerous(_ attack: Attack) -> Bool {
        attack.code == "pickle-dangerous" || attack.row == "denied global never called"
            || attack.flags.contains { $0.severity == "dangerous" }
    }

    @Test("the tool ends each hostile file with an error code, in bounded time and memory", arguments: Attack.all)
    func endsWithinLimits(_ attack: Attack) throws {
        let result = try run(["convert", attack.path, "--dry-run"])
        // No hostile file holds a network, so even those that are only flagged end with 65.
        let wanted: Set<Int32> = isDangerous(attack) ? [77] : attack.code == "unsafe-path" ? [77] : [65, 66]
        #expect(wanted.contains(result.exitCode), "\(attack.name): \(result.exitCode) \(result.errorText)")
    }

    @Test("so do the commands that write, and nothing is left of what they refuse", arguments: Attack.all)
    func leavesNothing(_ attack: Attack) throws {
        let folder = try TemporaryDirectory()
        for (arguments, output) in [
            (["convert"], "a.ud2w"), (["export"], "b.pt"), (["cast", "--dtype", "f16"], "c.safetensors"),
        ] {
            let result = try run(arguments + [attack.path, folder.path(output)])
            let note = "\(arguments) \(attack.name): \(result.exitCode) \(result.errorText)"
            // A file that is only flagged holds tensors that may be exported; one that is refused never is.
            let isRefused = isDangerous(attack) || attack.code != nil || arguments == ["convert"]
            #expect((isRefused ? [65, 66, 77] : [0, 65]).contains(result.exitCode), "\(note)")
            if isDangerous(attack) { #expect(result.exitCode == 77, "\(note)") }
            if result.exitCode != 0 {
                #expect(try folder.names().isEmpty, "\(note)")
            } else {
                try FileManager.default.removeItem(atPath: folder.path(output))
            }
        }
    }

    @Test("modules shared by modules, 2⁶⁰ of them on paper, end after a bounded number of steps")
    func sharedModules() throws {
        let path = ToolTest.fixture("attacks/laughs-modules.pt")
        for command in [["inspect"], ["scan"], ["ls"]] {
            let result = try run(command + [path], seconds: 3)
            #expect(result.exitCode == 65, "\(command): \(result.exitCode) \(result.errorText)")
        }
    }

    @Test("and the statistics of each, which need all of its data", arguments: Attack.all)
    func statistics(_ attack: Attack) throws {
        let result = try run(["stat", attack.path])
        #expect([0, 65, 66, 77].contains(result.exitCode), "\(attack.name): \(result.exitCode) \(result.errorText)")
        if attack.isRefusedWhenRead { #expect(result.exitCode == 65, "\(attack.name)") }
    }

    @Test("one run over all of them digests what can be read and reports the rest")
    func digests() throws {
        let result = try run(["inspect", "--digests"] + Attack.all.map(\.path), seconds: 60)
        #expect(result.exitCode == 3, "\(result.exitCode) \(result.errorText)")
        let files = try #require(try ToolTest.checked(result.output, "inspect").object?["files"]?.array)
        #expect(files.count == Attack.all.count)
        for (attack, file) in zip(Attack.all, files) where attack.code != nil && !attack.isRefusedWhenRead {
            #expect(file.object?["error"]?.object?["code"]?.string == attack.code, "\(attack.name)")
        }
    }
}
