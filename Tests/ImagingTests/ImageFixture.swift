import Foundation
import Testing
import UD2MTestSupport

/// A fixture image with the levels Pillow reads from it, made by `Tests/Fixtures/make_images.py`.
struct ImageFixture: Decodable, Sendable, CustomTestStringConvertible {
    let file: String
    let width: Int
    let height: Int
    let channels: Int
    let bitDepth: Int
    let hadAlpha: Bool
    let orientation: Int
    let text: [[String]]

    var testDescription: String { file }
    var path: String { Self.path(file) }

    /// The file's bytes.
    func bytes() throws -> [UInt8] { try Self.bytes(file) }

    /// The interleaved levels a reader must give.
    func levels() throws -> [Int] {
        let raw = try Self.bytes(file + ".raw").map(Int.init)
        guard bitDepth == 16 else { return raw }
        return stride(from: 0, to: raw.count, by: 2).map { raw[$0] | raw[$0 + 1] << 8 }
    }

    static func path(_ name: String) -> String {
        RepositoryPaths.fixtures.appending(path: "images/\(name)").path(percentEncoded: false)
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: path(name))))
    }

    static func all() throws -> [ImageFixture] {
        struct Index: Decodable { let images: [ImageFixture] }
        return try JSONDecoder().decode(Index.self, from: Data(try bytes("index.json"))).images
    }

    static func png() throws -> [ImageFixture] { try all().filter { $0.file.hasSuffix(".png") } }
    static func jpeg() throws -> [ImageFixture] { try all().filter { $0.file.hasSuffix(".jpg") } }
}
