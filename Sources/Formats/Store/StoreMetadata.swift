/// What a weight store says about itself besides its tensors (`formats.md` §12.4).
public struct StoreMetadata: Sendable, Equatable {
    /// The metadata keys of version 1.
    public enum Key {
        /// For readers of the transformers family, which refuse files without it; always `"pt"`.
        public static let format = "format"
        /// The profile's version; its presence makes a safetensors file a weight store.
        public static let version = "ud2w.version"
        /// The alignment of the data's start in bytes.
        public static let alignment = "ud2w.align"
        /// The network, JSON.
        public static let architecture = "ud2w.arch"
        /// The training configuration as the source had it, JSON.
        public static let config = "ud2w.config"
        /// Where the weights were converted from, JSON.
        public static let source = "ud2w.source"
        /// When the file was written, UTC.
        public static let created = "ud2w.created"
        /// What was done to the weights, JSON list.
        public static let lineage = "ud2w.lineage"
        /// Names that are other names for a tensor, JSON.
        public static let aliases = "ud2w.aliases"
        /// What the elements of some tensors stand for, JSON.
        public static let interpretations = "ud2w.quant"
        /// Checksums, JSON.
        public static let checksums = "ud2w.check"
        /// The weights' identity.
        public static let content = "ud2w.content"
        /// The licence.
        public static let license = "ud2w.license"
        /// Free text.
        public static let note = "ud2w.note"

        /// Keys that the writer computes, so that nobody may set them.
        package static let computed: Set<String> = [
            format, version, alignment, aliases, interpretations, checksums, content,
        ]
        /// Keys that have a property of their own.
        package static let typed: Set<String> = [architecture, config, source, created, lineage, license, note]
    }

    /// The version this code writes, and the only one it reads.
    public static let version = "1"

    /// The network the weights belong to.
    public var architecture: ArchitectureConfiguration?
    /// The training configuration as the source had it.
    public var config: JSONValue?
    /// Where the weights were converted from: file name, container, state path and so on; no local paths.
    public var source: JSONValue?
    /// When the file was written, such as `"2026-01-31T12:00:00Z"`; nil makes the output reproducible.
    public var created: String?
    /// What was done to the weights, oldest first.
    public var lineage: [JSONValue]
    /// The licence of the weights.
    public var license: String?
    /// Free text.
    public var note: String?
    /// Other pairs, kept as they are.
    public var other: [String: String]

    /// Creates metadata.
    public init(
        architecture: ArchitectureConfiguration? = nil, config: JSONValue? = nil, source: JSONValue? = nil,
        created: String? = nil, lineage: [JSONValue] = [], license: String? = nil, note: String? = nil,
        other: [String: String] = [:]
    ) {
        self.architecture = architecture
        self.config = config
        self.source = source
        self.created = created
        self.lineage = lineage
        self.license = license
        self.note = note
        self.other = other
    }

    /// Reads the pairs of a file's `__metadata__`; works for any safetensors file.
    /// - Throws: ``UD2MError`` with code `store-metadata` or `architecture-invalid`, the key as the location's entry.
    public init(pairs: [String: String], at location: UD2MError.Location = .init()) throws {
        self.init()
        other = pairs
        for key in Key.computed { other[key] = nil }
        created = other.removeValue(forKey: Key.created)
        license = other.removeValue(forKey: Key.license)
        note = other.removeValue(forKey: Key.note)
        config = try Self.document(other.removeValue(forKey: Key.config), key: Key.config, at: location)
        source = try Self.document(other.removeValue(forKey: Key.source), key: Key.source, at: location)
        switch try Self.document(other.removeValue(forKey: Key.lineage), key: Key.lineage, at: location) {
        case nil: break
        case .array(let steps): lineage = steps
        default:
            throw UD2MError(.storeMetadata, "'\(Key.lineage)' must be a list.", at: Self.place(Key.lineage, location))
        }
        if let json = try Self.document(
            other.removeValue(forKey: Key.architecture), key: Key.architecture, at: location)
        {
            do {
                architecture = try ArchitectureConfiguration(json: json)
            } catch let error as UD2MError {
                throw error.located(in: Self.place(Key.architecture, location))
            }
        }
    }

    /// The pairs as text; ``init(pairs:at:)`` reads them back.
    /// - Throws: ``UD2MError`` with code `json-number` for a number that is not finite.
    package func pairs() throws -> [String: String] {
        var pairs = other
        pairs[Key.architecture] = try architecture?.json.canonicalText()
        pairs[Key.config] = try config?.canonicalText()
        pairs[Key.source] = try source?.canonicalText()
        pairs[Key.lineage] = lineage.isEmpty ? nil : try JSONValue.array(lineage).canonicalText()
        pairs[Key.created] = created
        pairs[Key.license] = license
        pairs[Key.note] = note
        return pairs
    }

    /// Reads the JSON text of a pair.
    package static func document(
        _ text: String?, key: String, at location: UD2MError.Location, depth: Int = Limits.standard.jsonDepth
    ) throws -> JSONValue? {
        guard let text else { return nil }
        do {
            return try JSONValue(parsing: text, depth: depth)
        } catch let error as UD2MError {
            var place = place(key, location)
            place.byteOffset = error.location.byteOffset
            throw UD2MError(.storeMetadata, "'\(key)' is not valid JSON: \(error.message)", at: place)
        }
    }

    package static func place(_ key: String, _ location: UD2MError.Location) -> UD2MError.Location {
        .init(file: location.file, entry: key)
    }
}
