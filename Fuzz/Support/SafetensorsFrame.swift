/// A safetensors file made from a fuzzer's input, whose header length is always right.
///
/// The first two bytes of the input are the number of data bytes; the rest is the header's text. Mutations then reach
/// the rules behind the length instead of breaking it.
public enum SafetensorsFrame {
    /// The file, or nil when the input is too short; with `alignment`, spaces after the header align the data.
    public static func file(_ input: UnsafeRawBufferPointer, alignment: Int = 1) -> [UInt8]? {
        guard input.count >= 2 else { return nil }
        let dataBytes = Int(input[0]) | Int(input[1]) << 8
        let header = input.dropFirst(2)
        let padding = (alignment - (8 + header.count) % alignment) % alignment
        let length = UInt64(header.count + padding).littleEndian
        var file = withUnsafeBytes(of: length) { Array($0) }
        file.append(contentsOf: header)
        file.append(contentsOf: repeatElement(UInt8(ascii: " "), count: padding))
        file.append(contentsOf: (0..<dataBytes).map { UInt8(truncatingIfNeeded: $0 &* 37) })
        return file
    }
}
