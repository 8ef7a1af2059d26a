import UD2MFormats
import UD2MRuntime

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A table of measured algorithms as a file (`schemas/algorithms.schema.json`).
enum AlgorithmFile {
    private static let largestFile = 1 << 20

    /// Reads a file of ``bytes(of:)``.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `algorithms-file` when it is not such a file.
    static func read(_ path: String) throws -> AlgorithmTable {
        let file = try MappedFile(path: path)
        guard file.count <= largestFile else { throw invalid(path, "A table of algorithms has a few kilobytes.") }
        let data = withExtendedLifetime(file) { Data(file.bytes) }
        guard let table = try? JSONDecoder().decode(AlgorithmTable.self, from: data) else {
            throw invalid(path, "This is no table of ud2m bench --tune.")
        }
        guard table.version == 1 else {
            throw invalid(path, "The table has version \(table.version); this program reads version 1.")
        }
        return table
    }

    /// A table as JSON text.
    static func bytes(of table: AlgorithmTable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return Array(try encoder.encode(table)) + [0x0A]
    }

    private static func invalid(_ path: String, _ message: String) -> UD2MError {
        UD2MError(
            .algorithmsFile, message, at: .init(file: path), remedy: "Make one with ud2m bench STORE --tune FILE.")
    }
}

extension UD2MError.Code {
    /// A file is no table of measured algorithms.
    static let algorithmsFile = UD2MError.Code("algorithms-file", .badData)
}
