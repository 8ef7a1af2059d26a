import UD2MFormats

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The files of an adapter, opened: the tensors, and the configuration beside them.
public struct AdapterFile: Sendable {
    /// The path as the caller gave it.
    public let path: String
    /// The checkpoint with the tensors.
    public let checkpoint: Checkpoint
    /// The state dict with the adapter.
    public let stateDict: StateDict
    /// `adapter_config.json`, where there is one.
    let configuration: JSONValue?

    /// What folders of adapters call their tensors.
    private static let usualNames = [
        "adapter_model.safetensors", "adapter_model.bin", "pytorch_lora_weights.safetensors",
        "pytorch_lora_weights.bin",
    ]
    private static let configurationName = "adapter_config.json"
    /// Bytes of a configuration that are read at most.
    private static let configurationBytes = 16 << 20
    /// State dicts that hold the adapter where several do: UD2M's own programs look here first (`adapters.md` §9).
    private static let usualStateDicts = [["model_state_dict"], ["state_dict"], []]

    /// Opens a file, or the folder that PEFT or diffusers saved.
    /// - Parameters:
    ///   - path: The file or folder.
    ///   - select: A state dict's path, such as `"state_dict"`; nil to take the one that holds the adapter.
    ///   - open: Opens a checkpoint.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-missing`, `adapter-ambiguous`, `adapter-configuration`, or
    ///   what opening throws.
    public init(
        path: String, select: String? = nil, open: (String) throws -> Checkpoint = { try Checkpoint.open(path: $0) }
    ) throws {
        let file = Self.file(at: path)
        let folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
        self.path = path
        checkpoint = try open(file)
        stateDict = try Self.stateDict(of: checkpoint, select: select)
        configuration = try Self.configuration(at: folder + Self.configurationName)
    }

    /// An adapter whose files are already open.
    public init(checkpoint: Checkpoint, stateDict: StateDict, configuration: JSONValue? = nil) {
        path = checkpoint.path
        self.checkpoint = checkpoint
        self.stateDict = stateDict
        self.configuration = configuration
    }

    private static func file(at path: String) -> String {
        guard FolderListing.isFolder(path) else { return path }
        let folder = path.hasSuffix("/") ? path : path + "/"
        return usualNames.map { folder + $0 }.first { FileManager.default.fileExists(atPath: $0) } ?? path
    }

    private static func configuration(at path: String) throws -> JSONValue? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let file = try MappedFile(path: path)
        guard file.count <= configurationBytes else {
            throw UD2MError(
                .adapterConfiguration,
                "The configuration has \(file.count) bytes; at most \(configurationBytes) are read.",
                at: .init(file: path))
        }
        return try withExtendedLifetime(file) { try JSONValue(parsing: file.bytes, at: .init(file: path)) }
    }

    private static func stateDict(of checkpoint: Checkpoint, select: String?) throws -> StateDict {
        func count(_ stateDict: StateDict) -> Int { stateDict.tensors.count { AdapterKey($0.name.text) != nil } }
        if let select {
            guard let chosen = checkpoint.stateDicts.first(where: { $0.displayPath == select }) else {
                throw UD2MError(
                    .adapterMissing, "The file has no state dict at '\(select)'.", at: .init(file: checkpoint.path),
                    remedy: "It has: \(checkpoint.stateDicts.prefix(10).map(\.displayPath).joined(separator: ", ")).")
            }
            return chosen
        }
        let holding = checkpoint.stateDicts.filter { count($0) > 0 }
        if let usual = usualStateDicts.lazy.compactMap({ path in holding.first { $0.path == path } }).first {
            return usual
        }
        guard let first = holding.first else {
            // An adapter of whole modules alone has PEFT's prefix, and no factors.
            let whole = checkpoint.stateDicts.first { stateDict in
                stateDict.tensors.contains { $0.name.text.hasPrefix("base_model.model.") }
            }
            if let whole { return whole }
            // Named kinds that cannot be merged are told apart from files without any adapter.
            for tensor in checkpoint.stateDicts.flatMap(\.tensors) {
                if let kind = AdapterKey.refusedKind(tensor.name.text) {
                    throw UD2MError.refusedAdapter(kind, tensor, checkpoint.path)
                }
            }
            throw UD2MError(
                .adapterMissing, "The file holds no adapter: no tensor is named as one of LoRA's or its kin.",
                at: .init(file: checkpoint.path), remedy: "See what it holds: ud2m-convert ls.")
        }
        guard holding.count == 1 else {
            let names = holding.prefix(10).map { "'\($0.displayPath)'" }.joined(separator: ", ")
            var error = UD2MError(
                .adapterAmbiguous, "\(holding.count) state dicts of the file hold an adapter.",
                at: .init(file: checkpoint.path), remedy: "Name one of \(names).")
            error.candidates = holding.map { StateDictCandidate(selector: $0.displayPath, tensors: $0.tensors) }
            throw error
        }
        return first
    }
}

extension UD2MError {
    /// The refusal of a kind of adapter, by its name.
    static func refusedAdapter(_ kind: String, _ tensor: TensorSource, _ file: String) -> UD2MError {
        UD2MError(
            .adapterKind, "This is an adapter of kind \(kind), which is not supported.",
            at: .init(file: file, tensor: tensor.name.text),
            remedy:
                "Merge it with the program that made it; ud2m-lora reads LoRA, DoRA, rsLoRA, LoHa, LoKr and full differences."
        )
    }
}
