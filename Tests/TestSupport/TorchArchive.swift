import Foundation
import UD2MFormats

/// A torch.save archive made by hand.
public struct TorchArchive: Sendable {
    /// The zip under construction.
    public var zip: ZipBuilder

    /// An archive of this pickle and these storages.
    public init(pickle: [UInt8], storages: [String: [UInt8]] = [:], byteOrder: String = "little") {
        var entries = [
            ZipBuilder.Entry("archive/data.pkl", pickle), ZipBuilder.Entry("archive/byteorder", Array(byteOrder.utf8)),
        ]
        for (key, bytes) in storages.sorted(by: { $0.key < $1.key }) {
            entries.append(ZipBuilder.Entry("archive/data/\(key)", bytes))
        }
        entries.append(ZipBuilder.Entry("archive/version", Array("3\n".utf8)))
        zip = ZipBuilder(entries)
    }

    /// An archive of `{"weight": [1, 2, 3, 4, 5, 6] as 2 × 3}`.
    public static func small() -> TorchArchive {
        let pickle = PickleAssembler()
        pickle.op(.emptyDict)
        pickle.text("weight")
        pickle.tensor("0", count: 6, shape: [2, 3], strides: [3, 1])
        pickle.op(.setItem)
        return TorchArchive(pickle: pickle.stopped, storages: ["0": floats([1, 2, 3, 4, 5, 6])])
    }

    /// The little-endian bytes of single-precision numbers.
    public static func floats(_ values: [Float]) -> [UInt8] {
        values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian) { Array($0) } }
    }

    /// Opens the archive through a temporary file.
    /// - Throws: what ``Checkpoint/open(path:limits:allowMissingCRC:)`` throws.
    public func open(limits: Limits = .standard, allowMissingCRC: Bool = false) throws -> Checkpoint {
        try Checkpoint.open(bytes: zip.build(), limits: limits, allowMissingCRC: allowMissingCRC)
    }
}

extension Checkpoint {
    /// Opens bytes through a temporary file, which stays mapped after it is gone.
    public static func open(
        bytes: [UInt8], limits: Limits = .standard, allowMissingCRC: Bool = false
    ) throws -> Checkpoint {
        let folder = try TemporaryDirectory()
        let path = folder.path("checkpoint")
        try Data(bytes).write(to: URL(filePath: path))
        return try withExtendedLifetime(folder) {
            try Checkpoint.open(path: path, limits: limits, allowMissingCRC: allowMissingCRC)
        }
    }
}

extension TensorSource {
    /// The tensor's elements as single-precision numbers; for tensors of that type.
    public func floats() throws -> [Float] {
        try withContiguousBytes { bytes in
            (0..<(bytes.count / 4)).map { index in
                Float(bitPattern: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
            }
        }
    }
}
