import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// A converter that is killed leaves either nothing or a complete store.
@Suite("killing the converter", .serialized)
struct KillTests {
    @Test("at any moment, by any signal, leaves no partial output", arguments: [SIGKILL, SIGTERM, SIGINT])
    func kill(signal: Int32) throws {
        let folder = try TemporaryDirectory()
        let output = folder.path("out.ud2w")
        var finished = 0
        for attempt in 0..<30 {
            let (process, _, _) = try BuiltTool("ud2m-convert").start([ToolTest.prior, output, "-q"])
            // From before the first byte to after the rename: a whole run takes about 30 ms.
            usleep(UInt32(attempt) * 1500)
            Foundation.kill(process.processIdentifier, signal)
            process.waitUntilExit()
            let names = try folder.names()
            #expect(names == [] || names == ["out.ud2w"])
            if names.contains("out.ud2w") {
                finished += 1
                #expect(try WeightStore(path: output).verify(deep: true).isEmpty)
                try FileManager.default.removeItem(atPath: output)
            }
        }
        #expect(finished < 30, "no run was killed in time; the test shows nothing")
    }

    @Test(
        "SIGTERM asks for another try (75), SIGINT says it was interrupted (130)",
        arguments: [(SIGTERM, 75), (SIGINT, 130)])
    func exitCodes(signal: Int32, code: Int) throws {
        let folder = try TemporaryDirectory()
        let store = folder.path("prior.ud2w")
        #expect(try BuiltTool("ud2m-convert").run([ToolTest.prior, store, "-q"]).exitCode == 0)
        // A thousand evaluations take minutes, so that the signal always comes in the middle.
        let arguments = ["restore", store, ToolTest.photo, "-o", folder.path("out.png"), "--task", "deblur"]
        let (process, _, _) = try BuiltTool("ud2m").start(arguments + ["--steps", "500", "-q"])
        usleep(200_000)
        Foundation.kill(process.processIdentifier, signal)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        #expect(process.terminationStatus == Int32(code))
        #expect(try folder.names() == ["prior.ud2w"])
    }

    @Test("a checkpoint that shrinks while it is read is an error, not a crash")
    func shrinkingInput() throws {
        let folder = try TemporaryDirectory()
        let input = folder.path("shrinking.pt")
        let bytes = try Data(contentsOf: URL(filePath: ToolTest.prior))
        var wasCut = false
        for attempt in 0..<40 {
            try bytes.write(to: URL(filePath: input))
            let (process, _, _) = try BuiltTool("ud2m-convert").start(
                [input, folder.path("out.ud2w"), "--force", "-q"])
            usleep(UInt32(attempt) * 700)
            truncate(input, 100_000)
            process.waitUntilExit()
            #expect(process.terminationReason == .exit)
            #expect([0, 65, 75].contains(process.terminationStatus))
            wasCut = wasCut || process.terminationStatus != 0
            let names = try folder.names()
            #expect(names.allSatisfy { ["out.ud2w", "shrinking.pt"].contains($0) })
        }
        #expect(wasCut, "no run was disturbed; the test shows nothing")
    }
}
