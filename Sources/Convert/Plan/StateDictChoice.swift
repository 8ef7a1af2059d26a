import UD2MFormats

/// One state dict of a checkpoint, its names without a wrapper's prefix, and the network found in it.
public struct StateDictChoice: Sendable {
    /// Where the state dict is in the file.
    public let stateDict: StateDict
    /// What was taken off every name, such as `"module."`; often empty.
    public let prefix: String
    /// The tensors under their stripped names, in file order.
    public let tensors: [TensorSource]
    /// The network.
    public let architecture: DetectedArchitecture
    /// How many of the network's tensors are here with the right shape.
    public let matchCount: Int
}

/// Chooses among the state dicts of a checkpoint by what fits a known network, never by name alone
/// (`formats.md` §9.1).
struct StateDictSelector {
    let options: DetectionOptions

    /// Wrappers whose name is put before every tensor's, outermost first (`formats.md` §9.2).
    static let prefixes = [
        "module.", "_orig_mod.", "_fsdp_wrapped_module.", "_forward_module.", "model.", "net.", "network.", "unet.",
        "diffusion_model.", "ema_model.", "ema.", "student.", "teacher.",
    ]
    /// Bookkeeping scalars that wrappers keep beside the prefixed names.
    static let bookkeeping: Set<TensorName> = ["n_averaged", "decay", "num_updates"]
    /// Branches that hold training state, never a network for inference.
    private static let trainingBranches = [
        "optimizer", "opt_", "lr_scheduler", "scaler", "amp", "callbacks", "loops",
    ]

    /// Ranks the state dicts by how well a known network fits them.
    /// - Parameters:
    ///   - checkpoint: the described file.
    ///   - path: a state dict's path as a person writes it, such as `"state_dict"`; nil to choose.
    /// - Returns: the best choice and the ones it beat, best first.
    /// - Throws: `state-dict-missing`, `architecture-unknown`, or what detection says of the only candidate.
    func choose(
        in checkpoint: Checkpoint, path: String?
    ) throws -> (best: StateDictChoice, runnersUp: [StateDictChoice]) {
        let candidates = try eligible(in: checkpoint, path: path)
        var choices: [StateDictChoice] = []
        var firstError: UD2MError?
        for stateDict in candidates {
            do {
                if let choice = try recognise(stateDict) { choices.append(choice) }
            } catch let error {
                firstError = firstError ?? error
            }
        }
        // Sorting is stable only by the index: equal fits prefer averaged weights, then file order.
        let ranked = choices.enumerated().sorted { lhs, rhs in
            let left = (lhs.element.matchCount, lhs.element.isAveraged ? 1 : 0, -lhs.offset)
            let right = (rhs.element.matchCount, rhs.element.isAveraged ? 1 : 0, -rhs.offset)
            return left > right
        }.map(\.element)
        guard let best = ranked.first else {
            throw firstError ?? unknownArchitecture(checkpoint, candidates)
        }
        return (best, Array(ranked.dropFirst()))
    }

    func eligible(in checkpoint: Checkpoint, path: String?) throws -> [StateDict] {
        if let path {
            let chosen = checkpoint.stateDicts.filter { $0.displayPath == path }
            guard !chosen.isEmpty else {
                throw UD2MError(
                    .stateDictMissing, "The checkpoint has no state dict at '\(path)'.",
                    at: .init(file: checkpoint.path), remedy: "It has: \(listing(checkpoint.stateDicts)).")
            }
            return chosen
        }
        return checkpoint.stateDicts.filter { stateDict in
            !stateDict.path.contains { part in Self.trainingBranches.contains { part.hasPrefix($0) } }
        }
    }

    /// Strips prefixes until no family of names gains, and asks the registry.
    private func recognise(_ stateDict: StateDict) throws(UD2MError) -> StateDictChoice? {
        var tensors = stateDict.tensors.filter { !Self.bookkeeping.contains($0.name) || $0.shape.count > 1 }
        var prefix = ""
        while true {
            let shapes = Dictionary(tensors.map { ($0.name, $0.shape) }) { first, _ in first }
            if let architecture = try ArchitectureRegistry.detect(StateDictShapes(shapes), options: options) {
                let matches = architecture.parameters.count { shapes[$0.name] == $0.shape }
                return StateDictChoice(
                    stateDict: stateDict, prefix: prefix, tensors: tensors, architecture: architecture,
                    matchCount: matches)
            }
            guard
                let wrapper = Self.prefixes.first(where: { wrapper in
                    !tensors.isEmpty && tensors.allSatisfy { $0.name.hasPrefix(wrapper) }
                })
            else { return nil }
            prefix += wrapper
            for index in tensors.indices {
                tensors[index].name = tensors[index].name.dropFirst(wrapper.utf8.count)
            }
        }
    }

    private func unknownArchitecture(_ checkpoint: Checkpoint, _ candidates: [StateDict]) -> UD2MError {
        if let adapter = candidates.first(where: { stateDict in
            stateDict.tensors.contains { $0.name.text.contains("lora_") }
        }) {
            return UD2MError(
                .architectureUnknown,
                "\(adapter.displayPath) holds a LoRA adapter, not a whole network.",
                at: .init(file: checkpoint.path),
                remedy: "Convert the base network it was trained on; the adapter is merged into that.")
        }
        let found = candidates.isEmpty ? "no tensors under text keys" : listing(candidates)
        return UD2MError(
            .architectureUnknown,
            "No known network has these tensors. The checkpoint holds: \(found).",
            at: .init(file: checkpoint.path),
            remedy: "Known networks: \(ArchitectureRegistry.familyNames).")
    }

    /// "state_dict (270 tensors, first time_embed.0.weight), …", at most five.
    private func listing(_ stateDicts: [StateDict]) -> String {
        let shown = stateDicts.prefix(5).map { stateDict in
            let first = stateDict.tensors.first.map { ", first \($0.name)" } ?? ""
            return "\(stateDict.displayPath) (\(stateDict.tensors.count) tensors\(first))"
        }
        let rest = stateDicts.count > 5 ? " and \(stateDicts.count - 5) more" : ""
        return shown.joined(separator: "; ") + rest
    }
}

extension StateDictChoice {
    /// Whether the path says that these are averaged (EMA) weights, which are the ones to sample with.
    var isAveraged: Bool {
        stateDict.path.contains { $0.lowercased().split(separator: "_").contains("ema") }
    }
}

extension UD2MError.Code {
    /// `--select` names a state dict that is not there.
    public static let stateDictMissing = UD2MError.Code("state-dict-missing", .usage)
}
