import Foundation
import UD2MFormats

/// Reference inputs and outputs from a safetensors fixture, as float32.
public struct Golden: Sendable {
    /// A tensor of the file.
    public struct Entry: Sendable {
        /// Sizes, outermost first.
        public let shape: [Int]
        /// The elements in row-major order; integers as the nearest float.
        public let values: [Float]

        /// A tensor derived from one of the file.
        public init(shape: [Int], values: [Float]) {
            self.shape = shape
            self.values = values
        }
    }

    /// The tensors by name.
    public let tensors: [String: Entry]
    /// The text pairs of the file.
    public let metadata: [String: String]

    /// Reads a fixture, named by its path under `Tests/Fixtures`.
    public init(_ name: String) throws {
        let url = RepositoryPaths.fixtures.appending(path: name)
        let file = try SafetensorsFile(path: url.path(percentEncoded: false))
        metadata = file.metadata
        var tensors: [String: Entry] = [:]
        for entry in file.entries {
            let bytes = UnsafeRawBufferPointer(rebasing: file.file.bytes[entry.range])
            tensors[entry.name.text] = Entry(shape: entry.shape, values: try Golden.floats(bytes, entry))
        }
        self.tensors = tensors
    }

    /// A tensor that must be there.
    public subscript(_ name: String) -> Entry {
        get throws {
            guard let entry = tensors[name] else {
                throw CocoaError(.coderValueNotFound, userInfo: [NSDebugDescriptionErrorKey: name])
            }
            return entry
        }
    }

    private static func floats(_ bytes: UnsafeRawBufferPointer, _ entry: SafetensorsFile.Entry) throws -> [Float] {
        let count = entry.shape.reduce(1, *)
        switch entry.elementType {
        case .f32: return (0..<count).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
        case .f64: return (0..<count).map { Float(bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self)) }
        case .u8: return bytes.map { Float($0) }
        case .i64: return (0..<count).map { Float(bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
        default: throw CocoaError(.coderReadCorrupt, userInfo: [NSDebugDescriptionErrorKey: entry.name.text])
        }
    }
}
