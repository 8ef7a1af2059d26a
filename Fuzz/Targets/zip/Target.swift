import FuzzSupport
import UD2MFormats

/// Opens a zip archive of any kind and reads its tensors; records with a checksum of zero pass, so that mutated records
/// are reached as well.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzZip(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: start, count: count)
    guard input.starts(with: [0x50, 0x4B, 0x03, 0x04]) else { return 0 }
    return runOnFile(input) { path in try exercise(Checkpoint.open(path: path, allowMissingCRC: true)) }
}
