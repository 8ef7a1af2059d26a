import Foundation
import UD2MFormats
import UD2MTestSupport

/// Small `.pt` files with a chosen outline, written without PyTorch.
enum HandMadeCheckpoint {
    /// Writes `{name: {"w": float tensor of that many elements}, …}`, with a list of one tensor at `list` if asked for.
    ///
    /// Elements count up from the place of the state dict. A zero checksum for every storage says that none is recorded.
    static func write(
        _ stateDicts: [(name: String, count: Int)], looseTensor: Bool = false, recordsChecksums: Bool = true,
        to path: String
    ) throws {
        let pickle = PickleAssembler()
        var storages: [String: [UInt8]] = [:]
        pickle.op(.emptyDict)
        for (index, item) in stateDicts.enumerated() {
            pickle.text(item.name).op(.emptyDict)
            pickle.text("w").tensor("\(index)", count: item.count, shape: [item.count], strides: [1])
            pickle.op(.setItem).op(.setItem)
            storages["\(index)"] = TorchArchive.floats((0..<item.count).map { Float($0 + index) })
        }
        if looseTensor {
            pickle.text("list").op(.emptyList).tensor("loose", count: 2, shape: [2], strides: [1])
            pickle.op(.append).op(.setItem)
            storages["loose"] = TorchArchive.floats([1, 2])
        }
        var archive = TorchArchive(pickle: pickle.stopped, storages: storages)
        if !recordsChecksums {
            for index in archive.zip.entries.indices { archive.zip.entries[index].crc = 0 }
        }
        try Data(archive.zip.build()).write(to: URL(filePath: path))
    }

    /// Writes `{"wide": one float repeated `count` times by a stride of 0}`.
    static func writeExpanded(_ count: Int, to path: String) throws {
        let pickle = PickleAssembler()
        pickle.op(.emptyDict).text("wide").tensor("0", count: 1, shape: [count], strides: [0])
        pickle.op(.setItem)
        let archive = TorchArchive(pickle: pickle.stopped, storages: ["0": TorchArchive.floats([1])])
        try Data(archive.zip.build()).write(to: URL(filePath: path))
    }
}
