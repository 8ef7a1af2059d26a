/// The identity of a set of weights: independent of order, alignment, metadata and container (`formats.md` §12.4).
public enum ContentID {
    /// One tensor's part.
    public struct Line: Sendable, Hashable {
        /// The name.
        public var name: TensorName
        /// The type of its elements.
        public var elementType: ElementType
        /// Sizes, outermost first.
        public var shape: [Int]
        /// SHA-256 of its dense little-endian bytes, in hexadecimal.
        public var sha256: String

        /// Creates a line.
        public init(name: TensorName, elementType: ElementType, shape: [Int], sha256: String) {
            self.name = name
            self.elementType = elementType
            self.shape = shape
            self.sha256 = sha256
        }

        /// `name NUL dtype NUL shape NUL sha256 LF`, the shape as decimals with commas between them.
        var bytes: [UInt8] {
            var bytes = name.bytes
            bytes.reserveCapacity(bytes.count + sha256.utf8.count + 64)
            bytes.append(0)
            bytes.append(contentsOf: elementType.rawValue.utf8)
            bytes.append(0)
            bytes.append(contentsOf: shape.map(String.init).joined(separator: ",").utf8)
            bytes.append(0)
            bytes.append(contentsOf: sha256.utf8)
            bytes.append(0x0A)
            return bytes
        }
    }

    /// The SHA-256 over the lines of all tensors and aliases, sorted by bytes.
    /// - Throws: ``UD2MError`` with code `digest-unavailable`.
    public static func compute(_ lines: [Line], aliases: [TensorName: TensorName] = [:]) throws -> String {
        let byName = Dictionary(lines.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var all = lines
        for (alias, target) in aliases {
            guard var line = byName[target] else { continue }
            line.name = alias
            all.append(line)
        }
        let sorted = all.map(\.bytes).sorted { $0.lexicographicallyPrecedes($1) }
        var hash = try SHA256()
        for line in sorted { try line.withUnsafeBytes { try hash.update($0) } }
        return try hash.finish()
    }
}
