/// Bytes in memory as a tensor storage: values that a pickle holds itself.
final class OwnedStorage: TensorStorage {
    let key: String
    let isBigEndian: Bool
    private let bytes: [UInt8]

    var byteCount: Int { bytes.count }

    init(_ bytes: [UInt8], key: String, isBigEndian: Bool = false) {
        self.bytes = bytes
        self.key = key
        self.isBigEndian = isBigEndian
    }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try bytes.withUnsafeBytes(body)
    }
}
