import Foundation
import Testing
import UD2MTestSupport

@Suite("ud2m-convert inspect")
struct InspectCommandTests {
    @Test("every tensor of the file is listed as PyTorch sees it")
    func everyTensor() throws {
        let report = try CheckpointToolTest.report(["inspect", CheckpointToolTest.wrapped, "--all", "--digests"])
        let manifest = try CheckpointToolTest.manifest()
        let state = try #require(manifest["state"]?.object)
        let tensors = try #require(report["tensors"]?.array)
        let others = try #require(manifest["others"]?.array)
        #expect(tensors.count == state.count + others.count)
        #expect(report["skipped"]?.array?.isEmpty == true)
        for tensor in tensors {
            let members = try #require(tensor.object)
            var expected: [String: JSONDocument]
            if let name = members["name"]?.string {
                expected = try #require(state[name]?.object)
                #expect(members["path"] == .array([.string("state_dict"), .string("module.\(name)")]))
            } else {
                expected = try #require(others.first { $0.object?["path"] == members["path"] }?.object)
            }
            for key in ["dtype", "shape", "sha256"] { #expect(members[key] == expected[key], "\(members)") }
        }
        #expect(report["selection"]?.object?["prefix"]?.string == "module.")
        #expect(report["stateDicts"]?.array?.count == 2)
    }

    @Test("ties are told, and a reader that has seen enough ends the tool without a word")
    func ties() throws {
        let file = ToolTest.fixture("checkpoints/zip-aliases.pt")
        let report = try CheckpointToolTest.report(["inspect", file, "--all"])
        let tied = try #require(report["tensors"]?.array).compactMap { $0.object?["tiedTo"]?.array?.first?.string }
        #expect(!tied.isEmpty)
        #expect(try #require(report["remarks"]?.array).contains { $0.string?.contains("same bytes") == true })
        let tool = try BuiltTool("ud2m-convert").url.path(percentEncoded: false)
        let shell = BuiltTool(url: URL(filePath: "/bin/bash"))
        let script = "set -o pipefail; \"$0\" ls \"$1\" --json | head -c 1 > /dev/null; echo ${PIPESTATUS[0]}"
        let result = try shell.run(["-c", script, tool, ToolTest.prior])
        #expect(["0", "141"].contains(result.text.trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(result.errorText.isEmpty)
    }

    @Test("the demo prior is recognised; without --digests nothing is hashed")
    func prior() throws {
        let report = try CheckpointToolTest.report(["inspect", ToolTest.prior])
        #expect(report["architecture"]?.object?["parameters"]?.number == 1_965_027)
        #expect(report["container"]?.string == "torch-zip")
        #expect(report["tensors"]?.array?.count == 270)
        #expect(report["tensors"]?.array?.allSatisfy { $0.object?["sha256"] == nil } == true)
        let text = try BuiltTool("ud2m-convert").run(["inspect", ToolTest.prior]).text
        #expect(text.contains("1,965,027 parameters"))
    }

    @Test("a file that is no known network, or one whose heads nobody knows, is told what to do")
    func remedies() throws {
        let unknown = try CheckpointToolTest.report(["inspect", CheckpointToolTest.types])
        #expect(unknown["unrecognised"]?.string != nil)
        #expect(unknown["remedy"]?.string?.contains("an ADM U-Net") == true)
        let adm = ToolTest.fixture("adm/adm_a.pt")
        let report = try CheckpointToolTest.report(["inspect", adm])
        #expect(report["architecture"]?.object?["family"]?.string == "adm")
        #expect((report["architecture"]?.object?["parameters"]?.number ?? 0) > 100_000)
        #expect(report["unrecognised"] == nil && report["undecided"]?.string != nil)
        #expect(report["remedy"]?.string?.contains("--head-channels") == true)
        let text = try BuiltTool("ud2m-convert").run(["inspect", adm]).text
        #expect(text.contains("ADM U-Net, ") && text.contains("what to do: Pass --head-channels"))
        let error = try ToolTest.failure("ud2m-convert", [adm, "--dry-run"], exitCode: 64)
        #expect(error.object?["code"]?.string == "attention-unknown")
    }

    @Test("standard input gives the same report and leaves no file behind")
    func standardInput() throws {
        let folder = try TemporaryDirectory()
        let path = folder.url.path(percentEncoded: false)
        let result = try BuiltTool("ud2m-convert").run(
            ["inspect", "-", "--json", "--all", "--digests"], environment: ["TMPDIR": path],
            input: CheckpointToolTest.wrapped)
        #expect(result.exitCode == 0, "\(result.errorText)")
        var spooled = try #require(try ToolTest.checked(result.output, "inspect").object)
        #expect(spooled["path"]?.string == "-")
        var named = try CheckpointToolTest.report(["inspect", CheckpointToolTest.wrapped, "--all", "--digests"])
        spooled["path"] = nil
        named["path"] = nil
        #expect(spooled == named)
        #expect(try folder.names().isEmpty)
        let empty = try BuiltTool("ud2m-convert").run(["inspect", "-", "--json"])
        #expect(empty.exitCode == 65)
        let error = try ToolTest.checked(empty.errors, "error").object?["error"]?.object
        #expect(error?["location"]?.object?["file"]?.string == "-")
    }

    @Test(
        "standard input is refused where it cannot be read",
        arguments: [
            ["inspect", "-", "-"], ["scan", "-", "-"], ["convert", "-", "out.ud2w"], ["export", "-", "out.npz"],
            ["diff", "-", "-"], ["verify", "-"],
        ])
    func standardInputTwice(_ arguments: [String]) throws {
        let error = try ToolTest.failure("ud2m-convert", arguments, exitCode: 64)
        #expect(error.object?["code"]?.string == "input-standard-input")
    }

    @Test("of many files the broken ones are reported in place, with exit code 3")
    func batch() throws {
        let folder = try TemporaryDirectory()
        try FileManager.default.copyItem(atPath: CheckpointToolTest.types, toPath: folder.path("a.pt"))
        try Data("nothing".utf8).write(to: URL(filePath: folder.path("b.pt")))
        let report = try CheckpointToolTest.report(["inspect", folder.path("*.pt")], exitCode: 3)
        let files = try #require(report["files"]?.array)
        #expect(files.count == 2)
        #expect(files.first?.object?["container"]?.string == "torch-zip")
        #expect(files.last?.object?["error"]?.object?["code"]?.string == "container-unknown")
        let error = try ToolTest.failure("ud2m-convert", ["inspect", folder.path("*.x")], exitCode: 66)
        #expect(error.object?["code"]?.string == "input-pattern")
    }

    @Test("a state dict is taken by its path, and one that is not there is a usage error")
    func select() throws {
        let report = try CheckpointToolTest.report(
            ["inspect", CheckpointToolTest.wrapped, "--select", "optimizer.state.0"])
        #expect(report["tensors"]?.array?.count == 1)
        let error = try ToolTest.failure(
            "ud2m-convert", ["inspect", CheckpointToolTest.wrapped, "--select", "nowhere"], exitCode: 64)
        #expect(error.object?["code"]?.string == "state-dict-missing")
    }
}
