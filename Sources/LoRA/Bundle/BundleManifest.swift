import UD2MFormats

/// What a task-adapter bundle says about itself (`schemas/bundle-manifest.schema.json`): the JSON text of `ud2m.bundle` in
/// its metadata. The adapter's own description is beside it, under ``AdapterManifest/key``.
public struct BundleManifest: Sendable, Equatable {
    /// The metadata key.
    public static let key = "ud2m.bundle"
    /// The version this code writes, and the only one it reads.
    public static let version = 1
    /// The kind of bundle, of which there is one.
    public static let kind = "task-adapter"
    /// Bytes of the text that are read at most.
    static let textLimit = 1 << 20

    /// Whether the base's weights are in the bundle.
    public enum Form: String, Sendable, Hashable, CaseIterable {
        /// They are not: the base is named by its content id.
        case thin
        /// They are.
        case fat
    }

    /// A file that the bundle was made from.
    public struct Source: Sendable, Hashable {
        /// What was taken from it.
        public enum Role: String, Sendable, Hashable, CaseIterable {
            case adapter
            case ram
            case settings
        }

        /// What was taken from it.
        public var role: Role
        /// Its name, without folders: a bundle must not tell where its maker keeps files.
        public var file: String
        /// The digest of its bytes; nil for what lies in several files.
        public var sha256: String?

        /// Creates a record; of a path only the last component is kept.
        public init(role: Role, path: String, sha256: String?) {
            self.role = role
            file = path.split(separator: "/").last.map(String.init) ?? path
            self.sha256 = sha256
        }
    }

    /// How the sampler runs.
    public var settings: BundleSettings
    /// The network it belongs to.
    public var base: BundleBase
    /// Whether the base's weights are in it.
    public var form: Form
    /// The RAM network in it; nil when there is none.
    public var ram: RAMConfiguration?
    /// What it was made from.
    public var lineage: [Source]

    /// Creates a manifest.
    public init(
        settings: BundleSettings, base: BundleBase, form: Form, ram: RAMConfiguration? = nil, lineage: [Source] = []
    ) {
        self.settings = settings
        self.base = base
        self.form = form
        self.ram = ram
        self.lineage = lineage
    }

    /// The manifest as JSON; settings are members of the same object.
    public var json: JSONValue {
        var object = JSONObject()
        object["version"] = JSONValue(Self.version)
        object["kind"] = .string(Self.kind)
        if case .object(let settings) = settings.json {
            for (key, value) in settings.members { object[key] = value }
        }
        object["base"] = base.json
        object["form"] = .string(form.rawValue)
        object["ram"] = ram.map { ArchitectureConfiguration.ram($0).json }
        object["lineage"] = .array(
            lineage.map { source in
                var item = JSONObject()
                item["role"] = .string(source.role.rawValue)
                item["file"] = .string(source.file)
                item["sha256"] = source.sha256.map { .string($0) }
                return .object(item)
            })
        return .object(object)
    }

    /// Reads the manifest of a store.
    /// - Parameters:
    ///   - metadata: The store's text pairs.
    ///   - path: The store, for errors.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `bundle-missing` when there is none, `bundle-version`,
    ///   `bundle-manifest`, `bundle-settings` or `architecture-invalid`.
    public init(metadata: [String: String], path: String) throws {
        let place = UD2MError.Location(file: path, entry: Self.key)
        guard let text = metadata[Self.key] else {
            throw UD2MError(
                .bundleMissing, "The file is no task-adapter bundle.", at: .init(file: path),
                remedy: "Make one of an adapter: ud2m bundle create.")
        }
        guard text.utf8.count <= Self.textLimit else {
            throw UD2MError(
                .bundleManifest, "The manifest has \(text.utf8.count) bytes; at most \(Self.textLimit) are read.",
                at: place)
        }
        let json: JSONValue
        do {
            json = try JSONValue(parsing: text)
        } catch let error as UD2MError {
            throw UD2MError(.bundleManifest, "The manifest is not valid JSON: \(error.message)", at: place)
        }
        do {
            try self.init(JSONFields(json, .bundleManifest, at: place))
        } catch let error as UD2MError {
            throw error.located(in: place)
        }
    }

    private init(_ fields: JSONFields) throws {
        let kind = try fields.required("kind", fields.text("kind"))
        guard fields.object["version"]?.int == Self.version, kind == Self.kind else {
            throw UD2MError(
                .bundleVersion, "The bundle is of a version or kind that this reader does not know.", at: fields.place,
                remedy: "Use a newer ud2m.")
        }
        // Only what was written completely is read: a bundle must not depend on this program's defaults.
        for key in ["name", "task", "steps", "iterations", "schedule", "flavour", "eta", "usesRAM"] {
            _ = try fields.required(key, fields.object[key])
        }
        settings = try BundleSettings(BundleSettings.Draft(fields), at: fields.place)
        base = try BundleBase(fields.required("base", fields.fields("base")))
        form = try fields.required("form", fields.word("form"))
        guard form == .fat || base.architecture == nil else {
            throw fields.error("base", "has an architecture, whose weights are not in a thin bundle.")
        }
        if let json = fields.object["ram"] {
            guard case .ram(let configuration) = try ArchitectureConfiguration(json: json) else {
                throw fields.error("ram", "must describe a RAM network.")
            }
            ram = configuration
        }
        lineage = []
        guard case .array(let items)? = fields.object["lineage"] else {
            throw fields.error("lineage", "must be a list.")
        }
        for item in items {
            let source = try JSONFields(item, .bundleManifest, at: fields.place)
            lineage.append(
                Source(
                    role: try source.required("role", source.word("role")),
                    path: try source.required("file", source.text("file", atMost: 4096)),
                    sha256: try source.digest("sha256")))
        }
    }
}
