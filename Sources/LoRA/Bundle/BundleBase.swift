import UD2MFormats

/// The network that a bundle belongs to, by its identity.
public struct BundleBase: Sendable, Equatable {
    /// The content id of its store.
    public var contentID: String
    /// The family of its architecture, such as `"adm"`; nil where its store does not say.
    public var family: String?
    /// What a person calls it: a published model's name, or its file's without the suffix.
    public var name: String
    /// The identity of its names and shapes; see ``signature(_:)``. Stores of other weights of the same network, or of
    /// the same weights in another precision, have the same.
    public var signature: String
    /// Its architecture, in fat bundles whose base has one.
    public var architecture: ArchitectureConfiguration?

    /// Creates a record.
    public init(
        contentID: String, family: String?, name: String, signature: String,
        architecture: ArchitectureConfiguration? = nil
    ) {
        self.contentID = contentID
        self.family = family
        self.name = name
        self.signature = signature
        self.architecture = architecture
    }

    /// The SHA-256 over one line `name NUL shape LF` for each tensor, the shape as decimals with commas between them, the
    /// lines sorted by bytes.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `digest-unavailable`.
    public static func signature(_ tensors: [(name: TensorName, shape: [Int])]) throws -> String {
        let lines = tensors.map { tensor in
            tensor.name.bytes + [0] + Array(tensor.shape.map(String.init).joined(separator: ",").utf8) + [0x0A]
        }
        var hash = try SHA256()
        for line in lines.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            try line.withUnsafeBytes { try hash.update($0) }
        }
        return try hash.finish()
    }

    /// Reads the member of a manifest.
    init(_ fields: JSONFields) throws {
        contentID = try fields.required("content", fields.digest("content"))
        family = try fields.text("family", atMost: 64)
        name = try fields.required("name", fields.text("name"))
        signature = try fields.required("signature", fields.digest("signature"))
        architecture = try fields.object["architecture"].map { try ArchitectureConfiguration(json: $0) }
    }

    /// The member of a manifest.
    var json: JSONValue {
        var object = JSONObject()
        object["content"] = .string(contentID)
        object["family"] = family.map { .string($0) }
        object["name"] = .string(name)
        object["signature"] = .string(signature)
        object["architecture"] = architecture?.json
        return .object(object)
    }
}

extension WeightStore {
    /// The identity of the store's names and shapes, as bundles record it of their base.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `digest-unavailable`.
    public func shapeSignature() throws -> String {
        try BundleBase.signature(names.compactMap { name in self[name].map { (name, $0.shape) } })
    }
}
