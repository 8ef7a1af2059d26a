import FuzzSupport
import UD2MFormats

/// Opens a stream as `torch.save` wrote it before PyTorch 1.6, and reads its tensors.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzLegacy(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: start, count: count)
    guard input.first == 0x80 else { return 0 }
    return runOnFile(input) { path in try exercise(Checkpoint.open(path: path)) }
}
