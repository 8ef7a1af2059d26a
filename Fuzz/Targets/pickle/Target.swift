import FuzzSupport
import UD2MFormats

/// Reads a pickle as the `data.pkl` of a `torch.save` archive with a few storages, and the tensors it describes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPickle(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: start, count: count)
    var records: [(name: String, bytes: [UInt8])] = [("a/data.pkl", Array(input)), ("a/version", Array("3\n".utf8))]
    for key in 0..<4 {
        let bytes = (0..<(64 << key)).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ key) }
        records.append(("a/data/\(key)", bytes))
    }
    return ZipFrame.archive(records).withUnsafeBytes { bytes in
        runOnFile(bytes) { path in try exercise(Checkpoint.open(path: path, allowMissingCRC: true)) }
    }
}
