import Foundation
import Testing
import UD2MTestSupport

/// Every hostile file through the built tool, within limits of time and memory that the system enforces.
@Suite struct AttackLimitsTests {
    @Test("the tool ends each hostile file with an error code, in bounded time and memory", arguments: Attack.all)
    func endsWithinLimits(_ attack: Attack) throws {
        let tool = try BuiltTool("ud2m-convert")
        let result = try tool.run(
            ["convert", attack.path, "--dry-run", "--json"], seconds: 20, addressSpaceKiB: 1 << 20)
        let isDangerous = attack.code == "pickle-dangerous" || attack.flags.contains { $0.severity == "dangerous" }
        // No hostile file holds a network, so even those that are only flagged end with 65.
        let wanted: Set<Int32> = isDangerous ? [77] : attack.code == "unsafe-path" ? [77] : [65, 66]
        #expect(wanted.contains(result.exitCode), "\(attack.name): \(result.exitCode) \(result.errorText)")
    }
}
