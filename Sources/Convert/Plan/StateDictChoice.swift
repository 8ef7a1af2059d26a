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
    public internal(set) var architecture: DetectedArchitecture
    /// How many of the network's tensors are here with the right shape.
    public let matchCount: Int
}

/// Chooses among the state dicts of a checkpoint by what fits a known network, never by name alone
/// (`formats.md` §9.1).
struct StateDictSelector {
    var options: DetectionOptions
    /// Whether errors name the closest published model and the tensors that differ, which takes a search.
    var describesFailures = true

    /// Wrappers whose name is put before every tensor's, outermost first (`formats.md` §9.2).
    static let prefixes = [
        "module.", "_orig_mod.", "_fsdp_wrapped_module.", "_forward_module.", "model.", "net.", "network.", "unet.",
        "diffusion_model.", "ema_model.", "ema.", "student.", "teacher.",
    ]
    /// Bookkeeping scalars that wrappers keep beside the prefixed names.
    static let bookkeeping: Set<TensorName> = ["n_averaged", "decay", "num_updates"]

    /// Ranks the state dicts by how well a known network fits them.
    /// - Parameters:
    ///   - checkpoint: the described file.
    ///   - path: a state dict's path as a person writes it, such as `"state_dict"`, or with a prefix inside it, such as
    ///     `"state_dict:model_ema."`; nil to choose.
    /// - Returns: the best choice and the ones it beat, best first.
    /// - Throws: `state-dict-missing`, `architecture-unknown`, `architecture-ambiguous` or `state-dict-ambiguous` with
    ///   the candidates, or what detection says of the only candidate.
    func choose(
        in checkpoint: Checkpoint, path: String?
    ) throws -> (best: StateDictChoice, runnersUp: [StateDictChoice]) {
        let ranking = try ranking(in: checkpoint, path: path)
        if let ambiguity = ranking.ambiguity { throw ambiguity }
        return (ranking.best, Array(ranking.choices.dropFirst()))
    }

    /// Ranks the state dicts; an open choice is part of the answer here. There is always a best choice.
    /// - Throws: as ``choose(in:path:)`` but for ambiguity.
    func ranking(in checkpoint: Checkpoint, path: String?) throws -> StateDictRanking {
        let (path, prefix) = Self.split(path, in: checkpoint)
        let candidates = try eligible(in: checkpoint, path: path)
        var informed = self
        informed.options.fill(from: checkpoint)
        var choices: [StateDictChoice] = []
        var failure: (error: UD2MError, stateDict: StateDict)?
        for stateDict in candidates {
            do {
                choices += try informed.recognise(stateDict, prefix: prefix, file: checkpoint.path)
            } catch let error {
                failure = failure ?? (error, stateDict)
            }
        }
        if path == nil || choices.isEmpty { try requireBase(choices, candidates, file: checkpoint.path) }
        if path == nil { choices = Self.withoutDiscriminators(choices) }
        guard let ranking = StateDictRanking(choices, file: checkpoint.path) else {
            throw failure.map { described($0.error, $0.stateDict) } ?? unknownArchitecture(checkpoint, candidates)
        }
        return ranking
    }

    /// Refuses a file of adapters whose base is elsewhere: another network beside them must be asked for.
    private func requireBase(
        _ choices: [StateDictChoice], _ candidates: [StateDict], file: String
    ) throws(UD2MError) {
        guard !choices.contains(where: { ["adm", "ddpm"].contains($0.architecture.family) }) else { return }
        for candidate in candidates {
            guard let summary = try AdapterSummary(candidate, file: file) else { continue }
            var error = summary.error(file: file)
            let others = choices.map { "--select \($0.stateDict.displayPath) for \($0.architecture.title)" }
            if !others.isEmpty {
                error.remedy = (error.remedy ?? "") + " Or pass \(others.joined(separator: ", or "))."
            }
            throw error
        }
    }

    /// Leaves discriminators out unless they are all there is.
    private static func withoutDiscriminators(_ choices: [StateDictChoice]) -> [StateDictChoice] {
        let wanted = choices.filter { $0.architecture.family != DiscriminatorFamily().identifier }
        return wanted.isEmpty ? choices : wanted
    }

    /// The state dicts that may be chosen: the one asked for, or all but training state and the insides of objects that
    /// the pickle rebuilds, such as the parts of a nested tensor.
    func eligible(in checkpoint: Checkpoint, path: String?) throws -> [StateDict] {
        if let path {
            var chosen = checkpoint.stateDicts.filter { $0.displayPath == path }
            if chosen.isEmpty { chosen = checkpoint.stateDicts.filter { $0.unquotedPath == path } }
            if chosen.isEmpty, let loose = checkpoint.looseStateDict(at: path) { return [loose] }
            guard !chosen.isEmpty else {
                throw UD2MError(
                    .stateDictMissing, "The checkpoint has no state dict at '\(path)'.",
                    at: .init(file: checkpoint.path), remedy: "It has: \(listing(checkpoint.allStateDicts)).")
            }
            return chosen
        }
        if checkpoint.stateDicts.isEmpty { return checkpoint.allStateDicts }
        let insides = RebuiltInsides(checkpoint)
        return checkpoint.stateDicts.filter { !$0.isTrainingState && !insides.contain($0) }
    }

    /// `"state_dict:model_ema."` names a state dict and the prefix of one network in it.
    private static func split(_ path: String?, in checkpoint: Checkpoint) -> (path: String?, prefix: String?) {
        guard let path, !checkpoint.stateDicts.contains(where: { $0.displayPath == path }),
            checkpoint.looseStateDict(at: path) == nil, let colon = path.lastIndex(of: ":")
        else { return (path, nil) }
        return (String(path[..<colon]), String(path[path.index(after: colon)...]))
    }

    /// The networks in a state dict: the whole under its wrappers, or else its parts; and their averaged weights.
    private func recognise(
        _ stateDict: StateDict, prefix: String?, file: String
    ) throws(UD2MError) -> [StateDictChoice] {
        let whole = StateDictView(
            stateDict.tensors.filter { !Self.bookkeeping.contains($0.name) || $0.shape.count > 1 })
        var choices: [StateDictChoice] = []
        if let choice = try recognise(whole, of: stateDict, file: file) { choices.append(choice) }
        if choices.isEmpty {
            for part in whole.parts {
                guard let choice = try recognise(part, of: stateDict, file: file) else { continue }
                if !choices.contains(where: { $0.prefix == choice.prefix }) { choices.append(choice) }
            }
        }
        for choice in choices {
            guard let averaged = whole.litEMA(of: choice) else { continue }
            choices.append(
                StateDictChoice(
                    stateDict: stateDict, prefix: averaged.prefix, tensors: averaged.tensors,
                    architecture: choice.architecture, matchCount: averaged.tensors.count))
            break
        }
        guard let prefix else { return choices }
        return choices.filter { $0.prefix == prefix }
    }

    /// Strips prefixes until a family recognises the names.
    private func recognise(
        _ view: StateDictView, of stateDict: StateDict, file: String
    ) throws(UD2MError) -> StateDictChoice? {
        var view = view
        while true {
            let shapes = Dictionary(view.tensors.map { ($0.name, $0.shape) }) { first, _ in first }
            let index = StateDictShapes(shapes, path: stateDict.path, file: file)
            if let architecture = try ArchitectureRegistry.detect(index, options: options) {
                return StateDictChoice(
                    stateDict: stateDict, prefix: view.prefix, tensors: view.tensors, architecture: architecture,
                    matchCount: architecture.matchCount(shapes))
            }
            var stripped: StateDictView?
            for wrapper in Self.prefixes where stripped == nil { stripped = view.stripping(wrapper) }
            guard let stripped else { return nil }
            view = stripped
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
        let found = candidates.isEmpty ? "no tensors" : listing(candidates)
        let error = UD2MError(
            .architectureUnknown,
            "No known network has these tensors. The checkpoint holds: \(found).",
            at: .init(file: checkpoint.path),
            remedy: "Known networks: \(ArchitectureRegistry.familyNames). Any other state dict becomes a store with "
                + "ud2m-convert export, but no network runs it.")
        guard describesFailures else { return error }
        let closest = candidates.prefix(20).compactMap { Self.closest($0) }
            .max { ($0.network.matched, $0.network.named) < ($1.network.matched, $1.network.named) }
        if let closest { return error.describing(closest) }
        var unlike = error
        unlike.message += " " + Self.unlikeAll
        return unlike
    }

    /// What is said of a state dict that no published network is close to.
    static let unlikeAll = "No known network is close."

    /// What detection says of a state dict, with the model it comes closest to where tensors are the trouble.
    private func described(_ error: UD2MError, _ stateDict: StateDict) -> UD2MError {
        let codes: [UD2MError.Code] = [.architectureTensorMissing, .architectureShape]
        guard describesFailures, codes.contains(error.code), let closest = Self.closest(stateDict) else { return error }
        return error.describing(closest)
    }

    private static func closest(_ stateDict: StateDict) -> ClosestModel? {
        let tensors = strippingPrefixes(stateDict.tensors).tensors
        return ClosestModel(Dictionary(tensors.map { ($0.name, $0.shape) }) { first, _ in first })
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
        (stateDict.path + prefix.split(separator: ".").map(String.init)).contains { part in
            part.lowercased().split(separator: "_").contains("ema")
        }
    }
}

extension UD2MError.Code {
    /// `--select` names a state dict that is not there.
    public static let stateDictMissing = UD2MError.Code("state-dict-missing", .usage)
}
