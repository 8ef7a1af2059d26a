import Foundation
import Testing
import UD2MImaging
import UD2MTestSupport

@Suite struct ImageFileTests {
    @Test(arguments: ["a.png", "a.jpg"]) func writesAndReads(_ name: String) throws {
        let folder = try TemporaryDirectory()
        let image = try ImageBuffer.smooth(width: 20, height: 10, channels: 3)
        try ImageFile.write(image, to: folder.path(name))
        let decoded = try ImageFile.read(folder.path(name))
        #expect(decoded.image.width == 20 && decoded.image.height == 10)
        #expect(try folder.names() == [name])
    }

    @Test func textGoesIntoTheFile() throws {
        let folder = try TemporaryDirectory()
        var options = ImageWriteOptions()
        options.text = [try ImageText(keyword: "parameters", text: "seed 7")]
        let image = try ImageBuffer.smooth(width: 2, height: 2, channels: 1)
        try ImageFile.write(image, to: folder.path("a.png"), options: options)
        #expect(try ImageFile.read(folder.path("a.png")).text == options.text)
    }

    @Test func anExistingFileIsKept() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("a.png")
        let first = try ImageBuffer.synthetic(width: 3, height: 3, channels: 1, seed: 1)
        let second = try ImageBuffer.synthetic(width: 3, height: 3, channels: 1, seed: 2)
        try ImageFile.write(first, to: path)
        let error = #expect(throws: ImageError.self) { try ImageFile.write(second, to: path) }
        #expect(error?.code == .cannotCreate)
        #expect(error?.path == path)
        #expect(try ImageFile.read(path).image == first)
        try ImageFile.write(second, to: path, overwriting: true)
        #expect(try ImageFile.read(path).image == second)
        #expect(try folder.names() == ["a.png"])
    }

    @Test func aFolderIsNotReplaced() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("a.png")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        let image = try ImageBuffer.smooth(width: 2, height: 2, channels: 1)
        let error = #expect(throws: ImageError.self) { try ImageFile.write(image, to: path, overwriting: true) }
        #expect(error?.code == .cannotCreate)
        #expect(try folder.names() == ["a.png"])
    }

    @Test(arguments: ["missing/a.png", "zero\u{0}.png"]) func cannotCreate(_ name: String) throws {
        let folder = try TemporaryDirectory()
        let image = try ImageBuffer.smooth(width: 2, height: 2, channels: 1)
        let error = #expect(throws: ImageError.self) { try ImageFile.write(image, to: folder.path("") + name) }
        #expect(error?.code == .cannotCreate)
        #expect(try folder.names() == [])
    }

    @Test func aFailedEncodingLeavesNothing() throws {
        let folder = try TemporaryDirectory()
        var options = ImageWriteOptions()
        options.quality = 0
        let image = try ImageBuffer.smooth(width: 2, height: 2, channels: 1)
        let error = #expect(throws: ImageError.self) {
            try ImageFile.write(image, to: folder.path("a.jpg"), options: options)
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.path == folder.path("a.jpg"))
        #expect(try folder.names() == [])
    }

    @Test func inputsThatCannotBeOpened() throws {
        let folder = try TemporaryDirectory()
        let pipe = folder.path("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        for path in [folder.path("missing.png"), folder.path(""), pipe, "/dev/zero", "", "a\u{0}b"] {
            let error = #expect(throws: ImageError.self) { try ImageFile.read(path) }
            #expect(error?.code == .noInput)
            #expect(error?.path == path)
        }
    }

    @Test func theSuffixDoesNotMatterForReading() throws {
        let folder = try TemporaryDirectory()
        try Data(try ImageFixture.bytes("grey.jpg")).write(to: folder.url.appending(path: "wrong.png"))
        #expect(try ImageFile.read(folder.path("wrong.png")).format == .jpeg)
    }
}
