import FuzzSupport
import UD2MFormats

/// Opens a weight store around a header, verifies it, and reads its tensors.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzStore(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: start, count: count)
    guard let file = SafetensorsFrame.file(input, alignment: 4096) else { return 0 }
    return file.withUnsafeBytes { bytes in
        runOnFile(bytes) { path in
            let store = try WeightStore(path: path)
            for name in store.names {
                guard let tensor = store[name] else { preconditionFailure("a listed tensor is not there") }
                tensor.withBytes { precondition($0.count == tensor.byteCount) }
                _ = store.digests(of: name)
            }
            _ = try store.verify(deep: true)
        }
    }
}
