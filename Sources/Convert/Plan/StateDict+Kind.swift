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

    /// Whether it lies in the arguments or the state from which a pickle rebuilds an object, or in a tensor that cannot be
    /// delivered: no dictionary that anybody saved.
    func isInternal(to checkpoint: Checkpoint) -> Bool {
        path.contains { $0.hasPrefix("@arg:") || $0 == "@state" || $0 == "@callable" }
            || checkpoint.skipped.contains { $0.path.count < path.count && path.starts(with: $0.path) }
    }
}
