import UD2MFormats

/// The state dict of a checkpoint that a tool works on, whether or not a network is recognised in it.
public struct StateDictSelection: Sendable {
    /// Where the state dict is in the file.
    public let stateDict: StateDict
    /// What was taken off every name, such as `"module."`; often empty.
    public let prefix: String
    /// The tensors under their stripped names, in file order.
    public private(set) var tensors: [TensorSource]
    /// Whether ``keeping(where:)`` has left tensors out.
    public private(set) var isPartial = false
    /// The network, when one is recognised.
    public let architecture: DetectedArchitecture?
    /// Why no network is recognised; ``comparison`` has the tensors that differ.
    public let unrecognised: UD2MError?

    /// How it was chosen.
    public let choice: Choice

    /// How a state dict comes to be the one a tool works on.
    public enum Choice: Sendable {
        /// The caller named it.
        case named
        /// It fits a known network best.
        case fit
        /// There is no other candidate.
        case only
        /// It stands out among several candidates.
        case clear
        /// Others are as plausible: whoever wants to work on it must be asked to name one. The error says which.
        case open(UD2MError)
    }

    /// Chooses a state dict: the one that fits a known network best, else the most plausible one
    /// (see ``PlausibleStateDict``). Nil when the file holds no state dict.
    ///
    /// An open choice gives the likeliest one, with ``choice-swift.property`` saying so.
    /// - Parameters:
    ///   - checkpoint: The described file.
    ///   - path: A state dict's path as a person writes it, such as `"state_dict"`; nil to choose.
    ///   - keepsPrefix: Whether names stay as they are in the file.
    ///   - options: What no tensor tells.
    /// - Throws: `state-dict-missing` when `path` names none.
    public init?(
        checkpoint: Checkpoint, select path: String? = nil, keepsPrefix: Bool = false,
        options: DetectionOptions = DetectionOptions()
    ) throws {
        let selector = StateDictSelector(options: options, describesFailures: false)
        do {
            let ranking = try selector.ranking(in: checkpoint, path: path)
            stateDict = ranking.best.stateDict
            prefix = keepsPrefix ? "" : ranking.best.prefix
            tensors = keepsPrefix ? stateDict.tensors : ranking.best.tensors
            architecture = ranking.best.architecture
            unrecognised = nil
            choice = ranking.ambiguity.map { .open($0) } ?? (path == nil ? .fit : .named)
            return
        } catch let error as UD2MError {
            if error.code == .stateDictMissing { throw error }
            guard let plausible = try PlausibleStateDict(in: checkpoint, selector: selector, path: path) else {
                return nil
            }
            stateDict = plausible.stateDict
            architecture = nil
            unrecognised = error
            choice =
                path != nil
                ? .named : plausible.isOnly ? .only : plausible.ambiguity(checkpoint).map { .open($0) } ?? .clear
        }
        (prefix, tensors) =
            keepsPrefix ? ("", stateDict.tensors) : StateDictSelector.strippingPrefixes(stateDict.tensors)
    }
}

extension StateDictSelection {
    /// The selection with some of its tensors only.
    public func keeping(where isWanted: (TensorSource) -> Bool) -> StateDictSelection {
        var copy = self
        copy.tensors = tensors.filter(isWanted)
        copy.isPartial = isPartial || copy.tensors.count < tensors.count
        return copy
    }

    /// The selection with other values for its tensors, whose names and shapes must stay.
    public func replacing(tensors: [TensorSource]) -> StateDictSelection {
        var copy = self
        copy.tensors = tensors
        return copy
    }
}

extension PlausibleStateDict {
    /// The error that names the candidates, or nil when the choice is clear.
    func ambiguity(_ checkpoint: Checkpoint) -> UD2MError? {
        guard !contenders.isEmpty else { return nil }
        return UD2MError.ambiguous(
            .stateDictAmbiguous, "The file holds \(contenders.count) state dicts that are equally plausible.",
            contenders.prefix(UD2MError.candidateLimit).map {
                StateDictCandidate(selector: $0.displayPath, tensors: $0.tensors)
            },
            file: checkpoint.path)
    }
}

extension StateDictSelection {
    /// How the state dict differs from the network found in it, or from the closest one when none is.
    public struct Comparison: Sendable {
        /// Ten tensors that differ, some of each kind.
        public let mismatches: [TensorMismatch]
        /// How many differ.
        public let count: Int
        /// The published model that comes closest; nil when the state dict is a whole known network.
        public let closest: ClosestNetwork?
        /// Whether the state dict was compared with the published models and is like none of them.
        public var isUnlikeAll = false
    }

    /// The comparison with the network, over headers only; computed anew each time.
    public var comparison: Comparison {
        var mismatches: [TensorMismatch] = []
        if let architecture {
            mismatches = TensorMatch(architecture, tensors: tensors).mismatches
            if mismatches.isEmpty { return Comparison(mismatches: [], count: 0, closest: nil) }
        } else if !Self.aboutTensors.contains(unrecognised?.code) {
            return Comparison(mismatches: [], count: 0, closest: nil)
        }
        let shapes = Dictionary(tensors.map { ($0.name, $0.shape) }) { first, _ in first }
        let closest = ClosestModel(shapes)
        if architecture == nil { mismatches = closest?.mismatches ?? [] }
        return Comparison(
            mismatches: mismatches.sample(UD2MError.mismatchLimit), count: mismatches.count,
            closest: closest?.network, isUnlikeAll: unrecognised?.code == .architectureUnknown && closest == nil)
    }

    /// Why no network is recognised, as a sentence or two; nil when one is.
    public func unrecognisedText(_ comparison: Comparison) -> String? {
        unrecognised.map { comparison.isUnlikeAll ? "\($0.message) \(StateDictSelector.unlikeAll)" : $0.message }
    }

    /// Reasons for not recognising a network that a comparison with the published ones explains.
    private static let aboutTensors: [UD2MError.Code?] = [
        .architectureUnknown, .architectureTensorMissing, .architectureShape,
    ]
}

extension StateDictSelector {
    /// Takes off wrappers' prefixes that every name has, except for bookkeeping scalars.
    static func strippingPrefixes(_ tensors: [TensorSource]) -> (prefix: String, tensors: [TensorSource]) {
        var stripped = tensors
        var prefix = ""
        let wrapped = tensors.indices.filter { !bookkeeping.contains(tensors[$0].name) || tensors[$0].shape.count > 1 }
        while !wrapped.isEmpty,
            let wrapper = prefixes.first(where: { wrapper in wrapped.allSatisfy { stripped[$0].name.hasPrefix(wrapper) }
            })
        {
            prefix += wrapper
            for index in wrapped { stripped[index].name = stripped[index].name.dropFirst(wrapper.utf8.count) }
        }
        // A name that would be taken twice keeps them all as they are.
        guard Set(stripped.map(\.name)).count == stripped.count else { return ("", tensors) }
        return (prefix, stripped)
    }
}
