import Foundation
import Testing
import UD2MTestSupport

@Suite("Commands on a store with one flipped bit")
struct DamagedStoreTests {
    @Test("every command that reads its tensors refuses it and leaves no output; those that do not, work")
    func refused() throws {
        let folder = try TemporaryDirectory()
        let (sound, damaged) = (folder.path("sound.ud2w"), folder.path("damaged.ud2w"))
        #expect(try BuiltTool("ud2m-convert").run([ToolTest.prior, sound, "-q"]).exitCode == 0)
        var bytes = try Data(contentsOf: URL(filePath: sound))
        bytes[bytes.count / 2] ^= 0x10
        try bytes.write(to: URL(filePath: damaged))
        for arguments in [
            ["convert", damaged, folder.path("a.ud2w")], ["convert", damaged, folder.path("a.ud2w"), "--dtype", "f16"],
            ["export", damaged, folder.path("a.pt")], ["export", damaged, folder.path("a.safetensors")],
            ["export", damaged, folder.path("a.npz")], ["export", damaged, folder.path("a.ud2w")],
            ["export", damaged, folder.path("shards"), "--max-shard-size", "2MB"],
            ["cast", damaged, folder.path("a.pt"), "--dtype", "bf16"], ["stat", damaged], ["diff", damaged, sound],
            ["diff", sound, damaged, "--values"], ["inspect", damaged, "--digests"],
            ["export", damaged, folder.path("a.pt"), "--io", "pread"], ["stat", damaged, "--io", "pread"],
        ] {
            let error = try ToolTest.failure("ud2m-convert", arguments, exitCode: 65)
            #expect(error.object?["code"]?.string == "store-digest", "\(arguments)")
            #expect(error.object?["location"]?.object?["tensor"]?.string != nil)
            #expect(error.object?["location"]?.object?["file"]?.string == damaged)
        }
        #expect(try folder.names() == ["damaged.ud2w", "sound.ud2w"])
        for arguments in [["inspect", damaged], ["ls", damaged], ["diff", damaged, sound, "--structure"]] {
            #expect(try BuiltTool("ud2m-convert").run(arguments).exitCode == 0, "\(arguments)")
        }
    }
}
