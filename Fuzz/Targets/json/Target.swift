import FuzzSupport
import UD2MFormats

/// Parses a document; whatever parses must survive its canonical spelling unchanged.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    run {
        let value = try JSONValue(parsing: UnsafeRawBufferPointer(start: start, count: count))
        let text = try value.canonicalText()
        let again = try JSONValue(parsing: text)
        precondition(again == value, "the canonical spelling reads as another value")
        let textAgain = try again.canonicalText()
        precondition(textAgain == text, "the canonical spelling is not stable")
    }
}
