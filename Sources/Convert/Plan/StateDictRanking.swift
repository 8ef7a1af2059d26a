import UD2MFormats

/// The networks recognised in a checkpoint, and whether one of them is the one to take.
struct StateDictRanking {
    /// The choices, best first; at least one.
    let choices: [StateDictChoice]
    /// The best one.
    var best: StateDictChoice { choices[0] }
    /// Why none may be taken without asking; its candidates are the choices that are as good as each other.
    let ambiguity: UD2MError?

    /// Ranks choices by fit (`formats.md` §9.1): whole networks before partial ones, then by matching tensors.
    ///
    /// Among equal fits of the same network averaged weights win, then a usual name such as `state_dict`. Networks that
    /// differ, or the same one twice with nothing to tell which is meant, are ambiguous; two names of the same tensors are
    /// not.
    ///
    /// Nil when there are no choices.
    init?(_ choices: [StateDictChoice], file: String) {
        if choices.isEmpty { return nil }
        let listed = Self.listedAverage(choices)
        var choices = choices
        if let listed {
            choices[listed].architecture.evidence.append(
                "element 4 of a list [model, optimizer, epoch, step, ema]: the averaged weights (see --select)")
        }
        func isAveraged(_ index: Int) -> Bool { choices[index].isAveraged || index == listed }
        let ranked = choices.indices.sorted { lhs, rhs in
            func rank(_ index: Int) -> (Int, Int, Int, Int, Int) {
                let choice = choices[index]
                return (
                    choice.isWhole ? 1 : 0, choice.matchCount, isAveraged(index) ? 1 : 0, choice.hasUsualName ? 1 : 0,
                    -index
                )
            }
            return rank(lhs) > rank(rhs)
        }
        self.choices = ranked.map { choices[$0] }
        let whole = ranked.filter { choices[$0].isWhole }
        let contenders = whole.isEmpty ? ranked : whole
        let first = contenders[0]
        // A network of another kind may be the one that is meant even where it lacks a tensor.
        let best = choices[first].architecture
        let different = ranked.filter { index in
            let choice = choices[index]
            return choice.architecture.family != best.family
                || (whole.isEmpty || choice.isWhole) && choice.architecture.parameters != best.parameters
        }
        guard different.isEmpty else {
            ambiguity = Self.error(
                .architectureAmbiguous, "The file holds several networks", ([first] + different).map { choices[$0] },
                file: file)
            return
        }
        let equals = contenders.filter { candidate in
            choices[candidate].matchCount == choices[first].matchCount && isAveraged(candidate) == isAveraged(first)
                && choices[candidate].hasUsualName == choices[first].hasUsualName
                && !choices[candidate].hasSameTensors(as: choices[first])
        }
        ambiguity =
            equals.isEmpty
            ? nil
            : Self.error(
                .stateDictAmbiguous, "The file holds the network several times, and nothing tells which is meant",
                ([first] + equals).map { choices[$0] }, file: file)
    }

    /// The choice among those of a list file that holds averaged weights: training code of ddim saves
    /// `[model, optimizer, epoch, step, ema]` (`networks.md` §2.1).
    private static func listedAverage(_ choices: [StateDictChoice]) -> Int? {
        guard choices.contains(where: { $0.stateDict.path == ["0"] }) else { return nil }
        return choices.firstIndex { $0.stateDict.path == ["4"] }
    }

    private static func error(
        _ code: UD2MError.Code, _ message: String, _ choices: [StateDictChoice], file: String
    ) -> UD2MError {
        let counts = Dictionary(choices.map { ($0.stateDict.path, 1) }, uniquingKeysWith: +)
        let candidates = choices.prefix(UD2MError.candidateLimit).map { choice in
            // Parts of one state dict are told apart by what stands before their names.
            let isPart = counts[choice.stateDict.path, default: 0] > 1
            let path = choice.stateDict.displayPath
            return StateDictCandidate(
                selector: isPart ? "\(path):\(choice.prefix)" : path, network: choice.architecture.summary,
                tensors: choice.tensors)
        }
        let listing = candidates.prefix(10).map { "\($0.selector) is \($0.network ?? "")" }.joined(separator: "; ")
        return UD2MError.ambiguous(code, "\(message): \(listing).", candidates, file: file)
    }
}

extension StateDictChoice {
    /// Whether every tensor of the network is here with its shape.
    fileprivate var isWhole: Bool { matchCount == architecture.parameters.count }

    fileprivate var hasUsualName: Bool { stateDict.hasUsualName }

    /// Whether both are names of the very same bytes.
    fileprivate func hasSameTensors(as other: StateDictChoice) -> Bool {
        stateDict.path == other.stateDict.path && prefix == other.prefix
            || tensors.areSame(as: other.tensors)
    }
}

extension [TensorSource] {
    /// Whether both lists hold the same names over the very same bytes.
    func areSame(as other: [TensorSource]) -> Bool {
        guard count == other.count else { return false }
        let places = Dictionary(
            other.map { ($0.name, TensorAliases.Place($0)) }, uniquingKeysWith: { first, _ in first })
        return allSatisfy { places[$0.name] == TensorAliases.Place($0) }
    }
}

extension UD2MError {
    /// How many candidates an error names.
    static let candidateLimit = 100

    /// An open choice, with the remedy.
    static func ambiguous(
        _ code: Code, _ message: String, _ candidates: [StateDictCandidate], file: String
    ) -> UD2MError {
        let shown = candidates.prefix(10).map { "'\($0.selector)'" }.joined(separator: ", ")
        let rest = candidates.count > 10 ? " and \(candidates.count - 10) more" : ""
        var error = UD2MError(
            code, message, at: .init(file: file), remedy: "Pass --select with one of \(shown)\(rest).")
        error.candidates = candidates
        return error
    }
}

extension UD2MError.Code {
    /// Several state dicts are equally plausible; the caller must say which.
    public static let stateDictAmbiguous = UD2MError.Code("state-dict-ambiguous", .usage)
}
