import Foundation
import Testing
import UD2MConvert
import UD2MFormats

/// The names and shapes of a published full-size network (`Tests/Fixtures/keys`).
struct KeyTable {
    var shapes: [TensorName: [Int]]

    init(_ name: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/keys")
        let data = try Data(contentsOf: folder.appending(path: "\(name).json"))
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: [Any]])
        shapes = try Dictionary(
            uniqueKeysWithValues: object.map { name, entry in
                (TensorName(name), try #require(entry.first as? [Int]))
            })
    }

    var index: StateDictShapes { StateDictShapes(shapes) }

    var parameterCount: Int { shapes.values.reduce(0) { $0 + $1.reduce(1, *) } }
}
