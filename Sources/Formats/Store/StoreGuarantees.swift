/// What a `.ud2w` promises beyond being a safetensors file, read from its metadata and checked against its header.
struct StoreGuarantees: Sendable {
    /// The alignments that a file may claim.
    static let alignments = 64...(1 << 26)

    /// The alignment of the data's start in bytes.
    let alignment: Int
    /// Further names of tensors.
    let aliases: [TensorName: TensorName]
    /// Checksums by tensor; empty when the file has none.
    let digests: [TensorName: TensorDigests]
    /// The weights' identity, when the file has one.
    let contentID: String?

    /// Checks everything that can be checked without touching data.
    init(_ file: SafetensorsFile) throws {
        let location = UD2MError.Location(file: file.file.path)
        let pairs = file.metadata
        guard let version = pairs[StoreMetadata.Key.version], version == StoreMetadata.version else {
            throw UD2MError(
                .storeVersion, "The store has a version that this reader does not know.",
                at: StoreMetadata.place(StoreMetadata.Key.version, location), remedy: "Use a newer ud2m.")
        }
        alignment = try Self.alignment(file, at: location)
        aliases = try Self.aliases(file, at: location)
        digests = try Self.digests(file, at: location)
        contentID = pairs[StoreMetadata.Key.content]
        try checkContent(file, at: location)
    }

    private static func alignment(_ file: SafetensorsFile, at location: UD2MError.Location) throws -> Int {
        let place = StoreMetadata.place(StoreMetadata.Key.alignment, location)
        guard let text = file.metadata[StoreMetadata.Key.alignment], let value = Int(text), String(value) == text,
            alignments.contains(value), value.nonzeroBitCount == 1
        else {
            throw UD2MError(.storeAlignment, "'ud2w.align' must be a power of two from 64 to 2^26.", at: place)
        }
        guard file.dataStart % value == 0 else {
            throw UD2MError(
                .storeAlignment, "The data start at byte \(file.dataStart), not a multiple of \(value).", at: place)
        }
        for entry in file.entries {
            let divisor = min(TensorLayout.divisor(byteCount: entry.range.count), value)
            guard entry.range.lowerBound % divisor == 0 else {
                throw UD2MError(
                    .storeAlignment, "The tensor must start at a multiple of \(divisor) bytes.",
                    at: .init(file: location.file, byteOffset: entry.range.lowerBound, tensor: entry.name.text))
            }
        }
        return value
    }

    private static func aliases(
        _ file: SafetensorsFile, at location: UD2MError.Location
    ) throws -> [TensorName: TensorName] {
        let key = StoreMetadata.Key.aliases
        guard let json = try StoreMetadata.document(file.metadata[key], key: key, at: location, depth: 1) else {
            return [:]
        }
        let names = Set(file.entries.lazy.map(\.name))
        var place = StoreMetadata.place(key, location)
        guard case .object(let object) = json else {
            throw UD2MError(.storeAlias, "'\(key)' must be an object.", at: place)
        }
        var aliases: [TensorName: TensorName] = [:]
        for (alias, target) in object.members {
            place.tensor = alias
            guard case .string(let target) = target, names.contains(TensorName(target)) else {
                throw UD2MError(.storeAlias, "The alias stands for a tensor that the file does not have.", at: place)
            }
            guard !names.contains(TensorName(alias)) else {
                throw UD2MError(.storeAlias, "The alias is also the name of a tensor.", at: place)
            }
            aliases[TensorName(alias)] = TensorName(target)
        }
        return aliases
    }

    private static func digests(
        _ file: SafetensorsFile, at location: UD2MError.Location
    ) throws -> [TensorName: TensorDigests] {
        let key = StoreMetadata.Key.checksums
        guard let json = try StoreMetadata.document(file.metadata[key], key: key, at: location, depth: 3) else {
            return [:]
        }
        var place = StoreMetadata.place(key, location)
        guard case .object(let object) = json, object.members.count == file.entries.count else {
            throw UD2MError(.storeChecksums, "'\(key)' must have one member for each tensor.", at: place)
        }
        var digests: [TensorName: TensorDigests] = [:]
        for (name, value) in object.members {
            guard let digest = TensorDigests(json: value) else {
                place.tensor = name
                throw UD2MError(.storeChecksums, "The tensor's digests are malformed.", at: place)
            }
            digests[TensorName(name)] = digest
        }
        for entry in file.entries {
            let chunks = TensorDigests.chunkCount(byteCount: entry.range.count)
            guard let digest = digests[entry.name], digest.chunks.count == chunks else {
                place.tensor = entry.name.text
                throw UD2MError(
                    .storeChecksums, "The tensor has no digests, or not \(chunks) of its chunks.", at: place)
            }
        }
        return digests
    }

    private func checkContent(_ file: SafetensorsFile, at location: UD2MError.Location) throws {
        guard let contentID else { return }
        guard digests.count == file.entries.count else {
            throw UD2MError(
                .storeContent, "The store has a content id but no digests that it could follow from.",
                at: StoreMetadata.place(StoreMetadata.Key.content, location))
        }
        let computed = try ContentID.compute(
            file.entries.map { entry in
                .init(
                    name: entry.name, elementType: entry.elementType, shape: entry.shape,
                    sha256: digests[entry.name]?.sha256 ?? "")
            }, aliases: aliases)
        guard computed == contentID else {
            throw UD2MError(
                .storeContent, "The content id does not follow from the tensors' digests: the header was changed.",
                at: StoreMetadata.place(StoreMetadata.Key.content, location))
        }
    }
}

extension TensorDigests {
    /// Reads a member of `ud2w.check`.
    init?(json: JSONValue) {
        guard case .object(let object) = json, case .string(let xxh64)? = object["x"],
            case .string(let sha256)? = object["s"], Hexadecimal.isDigest(xxh64, count: 16),
            Hexadecimal.isDigest(sha256, count: 64)
        else { return nil }
        var chunks: [String] = []
        switch object["c"] {
        case nil: break
        case .array(let values)?:
            for value in values {
                guard case .string(let text) = value, Hexadecimal.isDigest(text, count: 16) else { return nil }
                chunks.append(text)
            }
        default: return nil
        }
        guard object.members.count == (object["c"] == nil ? 2 : 3) else { return nil }
        self.init(xxh64: xxh64, sha256: sha256, chunks: chunks)
    }

    /// The member of `ud2w.check`.
    var json: JSONValue {
        var object = JSONObject()
        object["x"] = .string(xxh64)
        object["s"] = .string(sha256)
        if !chunks.isEmpty { object["c"] = .array(chunks.map { .string($0) }) }
        return .object(object)
    }
}
