import UD2MFormats

/// What the path of a state dict tells of its use (`formats.md` §9.1).
extension StateDict {
    /// Branches that hold training state, never a network for inference.
    private static let trainingBranches = [
        "optimizer", "opt_", "lr_scheduler", "scaler", "amp", "callbacks", "loops",
    ]
    private static let usualNames: Set<String> = [
        "state_dict", "model_state_dict", "model", "net", "network", "params", "params_ema", "ema", "ema_state_dict",
        "model_ema", "g_ema", "module", "weights",
    ]
    private static let unusualBranches = ["discriminator", "netd", "loss"]

    var isTrainingState: Bool {
        path.contains { part in Self.trainingBranches.contains { part.hasPrefix($0) } }
    }

    /// Whether it is a discriminator or a loss, which nobody wants unless asked.
    var isUnusual: Bool {
        path.contains { part in
            let part = part.lowercased()
            return Self.unusualBranches.contains { part.hasPrefix($0) }
        }
    }

    /// Whether it has a name that people give to the weights they save.
    var hasUsualName: Bool { Self.usualNames.contains(path.last ?? "") }

    /// Whether the path says that these are averaged weights.
    var isAveraged: Bool { path.contains { $0.lowercased().split(separator: "_").contains("ema") } }
}

/// Tells the insides of objects that a pickle rebuilds, which are no dictionaries that anybody saved.
struct RebuiltInsides {
    /// Where tensors are that cannot be delivered: what they are made of is theirs.
    private let undelivered: Set<[String]>
    /// Components of a path that are compared; tensors do not lie deeper in honest files.
    private static let depth = 32

    init(_ checkpoint: Checkpoint) {
        undelivered = Set(checkpoint.skipped.map(\.path).filter { $0.count <= Self.depth })
    }

    /// Whether a state dict lies in the arguments or the state of such an object, or in a tensor that is not delivered.
    func contain(_ stateDict: StateDict) -> Bool {
        let path = stateDict.path
        if path.contains(where: { part in
            // A key that is an object, such as a parameter: an optimizer's state of it.
            part.hasPrefix("@arg:") || part.hasPrefix("@key:#") || part == "@state" || part == "@callable"
        }) {
            return true
        }
        guard !undelivered.isEmpty, !path.isEmpty else { return false }
        return (0...min(path.count - 1, Self.depth)).contains { undelivered.contains(Array(path.prefix($0))) }
    }
}
