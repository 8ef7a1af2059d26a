extension Checkpoint {
    /// Describes a checkpoint of any supported container, found by content; nothing of it is ever executed.
    /// - Parameters:
    ///   - path: The file, or the folder of a distributed or sharded checkpoint.
    ///   - limits: What the file may ask for.
    ///   - allowMissingCRC: Whether a zip record whose checksum is zero counts as one without a checksum.
    ///   - access: How tensor data will be read.
    ///   - resource: The one pickle of a `torch.package` archive to read, such as `"model/model.pkl"`; nil for all.
    ///   - isStrict: Whether fields of a safetensors header that the format does not know are errors, not remarks.
    /// - Returns: The description with every finding; see ``requireSafe()`` for refusing dangerous files.
    /// - Throws: ``UD2MError`` that names the container, the place and the rule broken.
    public static func open(
        path: String, limits: Limits = .standard, allowMissingCRC: Bool = false, access: FileAccess = .automatic,
        resource: String? = nil, isStrict: Bool = false
    ) throws -> Checkpoint {
        let options = CheckpointOptions(
            limits: limits, allowMissingCRC: allowMissingCRC, resource: resource, isStrict: isStrict, access: access)
        var checkpoint: Checkpoint
        do {
            checkpoint = try CheckpointOpener(path: path, options: options).checkpoint()
        } catch let error as UD2MError {
            // What is malformed but would also run code is refused as dangerous.
            guard error.code.category == .badData, let worst = error.findings?.first(where: \.isDangerous) else {
                throw error
            }
            throw worst.refusal(of: error.location.file)
        }
        let standard = Limits.standard
        if (limits.expansionFactor, limits.expansionFloorBytes) != (
            standard.expansionFactor, standard.expansionFloorBytes
        ) {
            checkpoint.setExpansion(limits)
        }
        return checkpoint
    }

    /// Hands the limits on expansion to the tensors, which meet them only when they are read.
    private mutating func setExpansion(_ limits: Limits) {
        func allowing(_ tensors: [TensorSource]) -> [TensorSource] {
            tensors.map { tensor in
                var tensor = tensor
                tensor.expandedBytesAllowed = limits.expandedBytes(of: tensor.storage.byteCount)
                return tensor
            }
        }
        for index in stateDicts.indices { stateDicts[index].tensors = allowing(stateDicts[index].tensors) }
        looseTensors = allowing(looseTensors)
    }

    /// Refuses a file whose pickle would run code in Python, or names what could.
    ///
    /// A matter of policy: reading it here is harmless either way.
    /// - Parameter strict: Whether classes that nobody has listed, and whatever else is unusual, are refused too.
    /// - Throws: ``UD2MError`` with code `pickle-dangerous`, at the first such finding, or with `strict`
    ///   `pickle-unknown`, at the first finding of any kind.
    public func requireSafe(strict: Bool = false) throws {
        if let worst = findings.first(where: \.isDangerous) ?? findings.first(where: \.namesDenied) {
            throw worst.refusal(of: path)
        }
        guard strict, let first = findings.first else { return }
        throw UD2MError(
            .pickleUnknown, first.sentence,
            at: .init(
                file: path, entry: first.entry, byteOffset: first.byteOffset, opcodeIndex: first.opcodeIndex),
            remedy: "Leave out --strict-globals to keep what is unknown as inert data.")
    }
}

extension PickleFinding {
    /// Whether a file with this finding is refused.
    var isDangerous: Bool { severity == .dangerous }

    /// What was found, and of which global where it is about one.
    fileprivate var sentence: String { global.isEmpty ? summary : "The pickle uses \(summary)" }

    /// The finding in a line of a list: the global where it is about one, and the message.
    public var summary: String { global.isEmpty ? message : "\(global): \(message)" }

    /// The refusal of the file that has this finding.
    func refusal(of path: String?) -> UD2MError {
        UD2MError(
            .pickleDangerous, sentence,
            at: .init(file: path, entry: entry, byteOffset: byteOffset, opcodeIndex: opcodeIndex),
            remedy: "Do not load this file in Python. Get the weights from a source you trust, or as safetensors; "
                + "--allow-flagged takes them from here, running nothing.")
    }
}
