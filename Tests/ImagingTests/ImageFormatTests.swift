import Testing
import UD2MImaging

@Suite struct ImageFormatTests {
    @Test(arguments: [
        ("other.gif", "GIF"), ("other.bmp", "BMP"), ("other.tiff", "TIFF"), ("other.webp", "WebP"),
        ("other.ppm", "PNM"), ("other.avif", "AVIF"), ("other.jp2", "JPEG 2000"),
    ])
    func otherImagesAreNamed(_ file: String, _ name: String) throws {
        let error = #expect(throws: ImageError.self) { try ImageFile.read(ImageFixture.path(file)) }
        #expect(error?.code == .unsupportedKind)
        // The kind's name is a fact in the message, not its wording.
        #expect(error?.message.contains(name) == true)
    }

    @Test(arguments: [
        ("", "empty"), ("<!DOCTYPE html><html>", "web page"), ("  <HTML>", "web page"),
        ("version https://git-lfs.github.com/spec/v1\n", "LFS"), ("%PDF-1.7", "PDF"), ("hello\n", "text"),
        ("PK\u{3}\u{4}", "zip"), ("\0\0\0\0", "zero"), ("\u{1}\u{2}", "unknown"), ("<?xml version=\"1.0\"?>", "XML"),
    ])
    func otherFilesAreNamed(_ text: String, _ name: String) throws {
        let error = #expect(throws: ImageError.self) { try ImageFile.decode(Array(text.utf8)) }
        #expect(error?.code == .notAnImage)
        #expect(error?.message.contains(name) == true)
    }

    @Test func everyShortInputIsAnError() {
        for first in 0...255 {
            for second in stride(from: 0, through: 255, by: 5) {
                let bytes = [UInt8(first), UInt8(second)]
                #expect(throws: ImageError.self) { try ImageFile.decode(bytes) }
            }
        }
    }

    @Test(arguments: [
        ("a.png", ImageFormat.png), ("dir.jpg/b.PNG", .png), ("a.jpg", .jpeg), ("a.b.JPEG", .jpeg), ("/x/.png", .png),
    ])
    func suffix(_ path: String, _ format: ImageFormat) throws {
        #expect(try ImageFormat(writingTo: path) == format)
    }

    @Test(arguments: ["a.webp", "a", "", "dir.png/a", "a.png.tmp", "png"]) func suffixIsRefused(_ path: String) {
        let error = #expect(throws: ImageError.self) { try ImageFormat(writingTo: path) }
        #expect(error?.code == .unsupportedKind)
        #expect(error?.path == path)
    }
}
