import UD2MFormats

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What is done of a long run: one line of JSON for every finished image, in a folder that all shards share.
///
/// An image counts as done when a record of any shard has its bytes, the same weights and options, and the output still
/// has the bytes that were written.
struct RestoreLedger {
    /// One finished image.
    struct Record: Codable, Hashable {
        /// Paths as they were named.
        let input: String
        let output: String
        /// SHA-256 of the files' bytes.
        let inputDigest: String
        let outputDigest: String
        /// The content ids of the networks.
        let model: String
        /// SHA-256 of operator, settings and outputs asked for.
        let options: String
        let seconds: Double
        /// Against the reference, where there was one; nil also where the number is infinite.
        var psnr: Double?
        var ssim: Double?
        var lpips: Double?
    }

    /// The file that records are added to.
    let path: String
    private let records: [String: [Record]]
    private let files: OutputFolder

    /// Bytes of a ledger file that are read at most.
    private static let sizeLimit = 1 << 30

    /// Reads the records of all shards in `folder/ledger/`, which is created where it is not there.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `output-cannot-create` or a `file-…` code.
    init(folder: String, shard: RestoreShard) throws {
        let ledger = folder + "ledger/"
        path = "\(ledger)\(shard.index)-of-\(shard.count).jsonl"
        files = try OutputFolder(of: path)
        records = Dictionary(grouping: try Self.records(in: folder), by: \.output)
    }

    /// The records of all shards in `folder/ledger/`, shard by shard in the order of their writing.
    /// - Throws: ``UD2MFormats/UD2MError`` with a `file-…` code.
    static func records(in folder: String) throws -> [Record] {
        let ledger = folder + "ledger/"
        var records: [Record] = []
        for name in (FolderListing.names(in: ledger) ?? []).sorted() where name.hasSuffix(".jsonl") {
            let file = try MappedFile(path: ledger + name)
            guard file.count <= sizeLimit else { continue }
            let data = withExtendedLifetime(file) { Data(file.bytes) }
            // A line that broke off when the power did is no record: its image is done again.
            for line in data.split(separator: UInt8(ascii: "\n")) {
                guard let record = try? JSONDecoder().decode(Record.self, from: Data(line)) else { continue }
                records.append(record)
            }
        }
        return records
    }

    /// The record of an image that needs no more work.
    func finished(_ image: RestoreInputs.Image, output: String, others: [String], model: String, options: String)
        -> Record?
    {
        guard let candidates = records[output], let input = try? Self.digest(of: image.path),
            let result = try? Self.digest(of: output), others.allSatisfy({ access($0, F_OK) == 0 })
        else { return nil }
        return candidates.last {
            $0.inputDigest == input && $0.outputDigest == result && $0.model == model && $0.options == options
        }
    }

    /// Adds a record; it is on the disk when this returns.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `output-write-failed`.
    func append(_ record: Record) throws {
        files.keep()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = Array(try encoder.encode(record)) + [UInt8(ascii: "\n")]
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o666)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, write(descriptor, line, line.count) == line.count, fsync(descriptor) == 0 else {
            throw UD2MError(
                .ledgerWrite, "The ledger cannot be written: \(systemErrorText(errno)).", at: .init(file: path))
        }
    }

    /// SHA-256 of a file.
    static func digest(of path: String) throws -> String {
        let file = try MappedFile(path: path)
        return try withExtendedLifetime(file) { try SHA256.hash(file.bytes) }
    }
}

extension UD2MError.Code {
    /// A record of finished work cannot be written.
    static let ledgerWrite = UD2MError.Code("ledger-write", .inputOutput)
}
