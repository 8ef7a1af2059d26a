import FuzzSupport
import UD2MFormats

/// Opens a file of any kind, found by content, and reads its tensors.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCheckpoint(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    runOnFile(UnsafeRawBufferPointer(start: start, count: count)) { path in
        try exercise(Checkpoint.open(path: path))
    }
}
