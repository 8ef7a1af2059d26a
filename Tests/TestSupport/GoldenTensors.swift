import Foundation
import UD2MFormats

/// The tensors of a safetensors fixture, widened to double.
public struct GoldenTensors: Sendable {
    /// A tensor with its elements in row-major order.
    public struct Array: Sendable {
        /// Sizes, outermost first.
        public let shape: [Int]
        /// The elements; float32 and float64 are exact here.
        public let values: [Double]

        /// The elements as float32.
        public var floats: [Float] { values.map { Float($0) } }
    }

    /// What a fixture may lack.
    public enum Failure: Error {
        case missing(String)
        case unsupported(ElementType)
    }

    /// The path under `Tests/Fixtures`.
    public let name: String
    private let file: SafetensorsFile

    /// Opens `Tests/Fixtures/<path>`.
    public init(_ path: String) throws {
        name = path
        file = try SafetensorsFile(path: Self.fixture(path).path)
    }

    /// The URL of `Tests/Fixtures/<path>`.
    public static func fixture(_ path: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures").appending(path: path)
    }

    /// Reads one tensor.
    public subscript(_ name: String) -> Array {
        get throws {
            guard let entry = file.entries.first(where: { $0.name == TensorName(name) }) else {
                throw Failure.missing(name)
            }
            let bytes = UnsafeRawBufferPointer(rebasing: file.file.bytes[entry.range])
            let values: [Double]
            switch entry.elementType {
            case .f32:
                values = stride(from: 0, to: bytes.count, by: 4).map {
                    Double(
                        Float(
                            bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self))))
                }
            case .f64:
                values = stride(from: 0, to: bytes.count, by: 8).map {
                    Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self)))
                }
            default: throw Failure.unsupported(entry.elementType)
            }
            return Array(shape: entry.shape, values: values)
        }
    }
}
