import FuzzSupport
import UD2MFormats

/// Opens a safetensors file around a header and reads its tensors.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSafetensors(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: start, count: count)
    guard let file = SafetensorsFrame.file(input) else { return 0 }
    return file.withUnsafeBytes { bytes in
        runOnFile(bytes) { path in
            let file = try SafetensorsFile(path: path)
            for entry in file.entries {
                precondition(entry.range.lowerBound >= file.dataStart && entry.range.upperBound <= bytes.count)
            }
            _ = run { _ = try SafetensorsFile(path: path, isStrict: true) }
            try exercise(Checkpoint.open(path: path))
        }
    }
}
