/// Opens what `torch.save` wrote before PyTorch 1.6: five pickles, then the storages (`formats.md` §6.1).
struct LegacyStreamCheckpoint {
    let file: MappedFile
    let options: CheckpointOptions

    /// The magic number 0x1950A86A20F9469CFC6C, as LONG1 writes it.
    private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

    /// The same number as protocols 0 and 1 write it.
    private static let magicDigits = "119547037146038801333356"

    /// Whether bytes start with a pickle of the magic number: PROTO, perhaps FRAME, LONG1; or a line of digits.
    static func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if bytes.hasBytes("L\(magicDigits)L\n".utf8, at: 0) { return true }
        guard bytes.count > 2, bytes[0] == 0x80, (2...5).contains(bytes[1]) else { return false }
        return bytes.hasBytes([0x8A, 0x0A] + magic, at: bytes[2] == 0x95 ? 11 : 2)
    }

    /// Reads the pickles and describes every tensor; storages stay where they are.
    /// - Throws: ``UD2MError`` with code `torch-legacy`, or a `torch-…` or `pickle-…` code.
    func checkpoint() throws -> Checkpoint {
        let contents = try TorchPickleReader.contents(limits: options.limits) { reader in
            var position = 0
            try checkMagic(next("magic number", &position, &reader))
            try checkProtocol(next("protocol version", &position, &reader))
            try checkSystem(next("system information", &position, &reader))
            let object = try next("object", &position, &reader)
            let keys = try storageKeys(next("storage keys", &position, &reader))
            let storages = try readStorages(keys, claims: claims(of: object), position: &position)
            let table = try TorchStorageTable(object, form: .legacy, provider: storages)
            try reader.describe(object, storages: table)
            if position < file.count {
                let message = "\(file.count - position) bytes follow the last storage."
                reader.contents.remarks.append(message)
                let end = min(file.count, position + options.limits.pickleBytes)
                reader.judgeUnread(
                    Array(file.bytes[position..<end]), entry: "behind the last storage", offset: position,
                    message: message)
            }
        }
        return contents.checkpoint(path: file.path, container: .torchLegacy, fileSize: file.count)
    }

    /// Runs the pickle at `position` and moves behind it.
    private func next(
        _ name: String, _ position: inout Int, _ reader: inout TorchPickleReader
    ) throws -> PickleGraph {
        do {
            let graph = try reader.run(in: file.bytes, at: position, entry: name)
            try reader.judge(graph)
            position += graph.endOffset
            return graph
        } catch let error as UD2MError where error.code == .pickleTruncated {
            var error = error
            error.remedy = "The file ends at byte \(file.count): an incomplete download? Fetch it again."
            throw error
        }
    }

    private func checkMagic(_ graph: PickleGraph) throws {
        guard case .bigInteger(let slice) = graph[graph.root],
            graph.bytes(slice).elementsEqual(Self.magic) || graph.bytes(slice).elementsEqual(Self.magicDigits.utf8)
        else {
            throw malformed("The stream does not start with PyTorch's magic number.", graph)
        }
    }

    private func checkProtocol(_ graph: PickleGraph) throws {
        guard graph.integer(graph.root) == 1001 else {
            throw malformed("The stream's version is not 1001, the only one there ever was.", graph)
        }
    }

    /// The table of type sizes: PyTorch itself obeys none of it, and storages are little-endian whatever it says.
    private func checkSystem(_ graph: PickleGraph) throws {
        guard graph.mapping(graph.root) != nil else {
            throw malformed("The system information is no dict.", graph)
        }
    }

    private func storageKeys(_ graph: PickleGraph) throws -> [[UInt8]] {
        guard let items = graph.items(graph.root) else { throw malformed("The storage keys are no list.", graph) }
        return try items.map { item in
            if let text = graph.textBytes(item), text.count <= options.limits.nameBytes { return Array(text) }
            // Some writers of 2017 left the keys as numbers.
            if let number = graph.integer(item) { return Array(String(number).utf8) }
            throw malformed("A storage key is no text.", graph)
        }
    }

    private typealias Claims = [[UInt8]: (claim: TorchStorageClaim, location: UD2MError.Location)]

    private func claims(of graph: PickleGraph) throws -> Claims {
        var claims: Claims = [:]
        for (_, id, location) in graph.persistentIDs {
            guard let claim = try TorchStorageClaim(id, in: graph, form: .legacy, at: location) else { continue }
            if claims[claim.key] == nil { claims[claim.key] = (claim, location) }
        }
        return claims
    }

    /// Walks over the storages in the order of the key list: a count, then the elements.
    private func readStorages(_ keys: [[UInt8]], claims: Claims, position: inout Int) throws -> LegacyStorages {
        var storages: [[UInt8]: MappedStorage] = [:]
        for key in keys {
            let name = String(decoding: key, as: UTF8.self)
            func malformed(_ message: String, remedy: String? = nil) -> UD2MError {
                UD2MError(
                    .torchLegacy, message, at: .init(entry: "storage \(name)", byteOffset: position), remedy: remedy)
            }
            guard let (claim, location) = claims[key] else {
                throw malformed("The key list names a storage that no tensor has.")
            }
            guard storages[key] == nil else { throw malformed("The key list names a storage twice.") }
            guard let byteCount = try claim.byteCount(at: location) else {
                throw malformed("The storage class \(claim.type.qualifiedName) is unknown, and so is its size.")
            }
            guard let count = file.bytes.littleEndian(Int64.self, at: position) else {
                throw malformed(
                    "The file ends at byte \(file.count), before this storage.",
                    remedy: "An incomplete download? Fetch the file again.")
            }
            guard Int(count) == claim.count else {
                throw malformed(
                    "The storage says it has \(count) elements; the pickle says \(claim.count).",
                    remedy: ZeroTail.reaches(position, in: file.bytes) ? ZeroTail.remedy : nil)
            }
            let start = position + 8
            guard byteCount <= file.count - start else {
                throw malformed(
                    "The storage has \(byteCount) bytes, but the file ends after \(file.count - start).",
                    remedy: "An incomplete download? Fetch the file again.")
            }
            storages[key] = try MappedStorage(file: file, range: start..<start + byteCount, key: name)
            position = start + byteCount
        }
        return LegacyStorages(storages: storages)
    }

    private func malformed(_ message: String, _ graph: PickleGraph) -> UD2MError {
        UD2MError(.torchLegacy, message, at: .init(entry: graph.entry, byteOffset: 0))
    }
}

/// The storages of a legacy file by key.
struct LegacyStorages: TorchStorageProvider {
    let storages: [[UInt8]: MappedStorage]

    func storage(key: [UInt8]) -> (any TensorStorage)? { storages[key] }
}
