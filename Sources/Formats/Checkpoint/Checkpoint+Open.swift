extension Checkpoint {
    /// Describes a checkpoint of any supported container, found by content; nothing of it is ever executed.
    /// - Parameters:
    ///   - path: The file.
    ///   - limits: What the file may ask for.
    ///   - allowMissingCRC: Whether a zip record whose checksum is zero counts as one without a checksum.
    /// - Returns: The description with every finding; see ``requireSafe()`` for refusing dangerous files.
    /// - Throws: ``UD2MError`` that names the container, the place and the rule broken.
    public static func open(
        path: String, limits: Limits = .standard, allowMissingCRC: Bool = false
    ) throws -> Checkpoint {
        let file = try MappedFile(path: path)
        do {
            switch try ContainerSniffer(file.bytes).kind() {
            case .zip:
                let archive = try ZipArchive(file: file, limits: limits)
                return try TorchZipCheckpoint(archive, limits: limits, allowMissingCRC: allowMissingCRC).checkpoint()
            case .safetensors:
                return try SafetensorsFile(file: file, limits: limits).checkpoint()
            }
        } catch let error as UD2MError {
            throw error.located(in: .init(file: path))
        }
    }

    /// Refuses a file whose pickle would run code in Python.
    ///
    /// A matter of policy: reading it here is harmless either way.
    /// - Throws: ``UD2MError`` with code `pickle-dangerous`, at the first dangerous finding.
    public func requireSafe() throws {
        guard let worst = findings.first(where: { $0.severity == .dangerous }) else { return }
        throw UD2MError(
            .pickleDangerous, "The pickle uses \(worst.global): \(worst.message)",
            at: .init(
                file: path, entry: worst.entry, byteOffset: worst.byteOffset, opcodeIndex: worst.opcodeIndex),
            remedy: "Do not load this file in Python. Get the weights from a source you trust, or as safetensors.")
    }
}
