import FuzzSupport
import UD2MFormats

/// Opens a NumPy array and reads it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzNPY(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: start, count: count)
    // Other containers have targets of their own.
    guard input.starts(with: [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]) else { return 0 }
    return runOnFile(input) { path in try exercise(Checkpoint.open(path: path)) }
}
