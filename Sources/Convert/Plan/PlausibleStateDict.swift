import UD2MFormats

/// The state dict to take where no network is recognised (`formats.md` §9.1).
///
/// Training state and the insides of rebuilt objects are no candidates, discriminators and losses only when nothing else is
/// there. A usual name such as `state_dict` comes before the root, and the root before other names; the
/// root takes part only where it is not dwarfed, and wins where it dwarfs all others. Among candidates of one rank the
/// only one is taken, or one that holds ten times the bytes of every other, or the only averaged one of those that
/// remain. Two names of the same tensors count once. Anything else is open.
struct PlausibleStateDict {
    /// The likeliest state dict.
    let stateDict: StateDict
    /// Those that are as plausible, the likeliest among them; empty when the choice is clear.
    let contenders: [StateDict]
    /// Whether it was the only candidate, rather than the clearest of several.
    let isOnly: Bool

    /// How many times the bytes of another candidate dwarf it.
    private static let dominance = 10

    /// Nil when there is no candidate.
    init?(in checkpoint: Checkpoint, selector: StateDictSelector, path: String?) throws {
        let candidates = try selector.eligible(in: checkpoint, path: path)
        let wanted = candidates.filter { !$0.isUnusual }
        let pool = Self.distinct(wanted.isEmpty ? candidates : wanted)
        guard var best = pool.first else { return nil }
        isOnly = pool.count == 1
        let ranked = Self.highestRank(pool)
        best = ranked[0]
        let largest = ranked.map(\.bytes).max() ?? 0
        let standing = ranked.filter { !Self.dwarfs(largest, $0.bytes) }
        let averaged = standing.filter { $0.stateDict.isAveraged || Self.isListedAverage($0, in: standing) }
        if standing.count == 1 {
            best = standing[0]
        } else if averaged.count == 1 {
            best = averaged[0]
        } else {
            best = standing.max { $0.bytes < $1.bytes } ?? best
        }
        stateDict = best.stateDict
        contenders = standing.count > 1 && averaged.count != 1 ? standing.map(\.stateDict) : []
    }

    private struct Candidate {
        let stateDict: StateDict
        let bytes: Int
    }

    private static func dwarfs(_ large: Int, _ small: Int) -> Bool {
        large > small && large >= small.multipliedOrMaximum(dominance)
    }

    /// The candidates, those left out that repeat an earlier one's tensors.
    private static func distinct(_ stateDicts: [StateDict]) -> [Candidate] {
        var kept: [Candidate] = []
        var byHash: [Int: Int] = [:]
        for stateDict in stateDicts where !stateDict.tensors.isEmpty {
            var hasher = Hasher()
            for tensor in stateDict.tensors {
                hasher.combine(tensor.name)
                hasher.combine(TensorAliases.Place(tensor))
            }
            let hash = hasher.finalize()
            if let index = byHash[hash], kept[index].stateDict.tensors.areSame(as: stateDict.tensors) { continue }
            byHash[hash] = kept.count
            kept.append(Candidate(stateDict: stateDict, bytes: stateDict.tensors.totalByteCount))
        }
        return kept
    }

    /// The candidates of the best rank; at least one of those given.
    private static func highestRank(_ pool: [Candidate]) -> [Candidate] {
        var pool = pool
        if let root = pool.first(where: { $0.stateDict.path.isEmpty }) {
            let others = pool.filter { !$0.stateDict.path.isEmpty }
            if others.allSatisfy({ dwarfs(root.bytes, $0.bytes) }) { return [root] }
            if others.contains(where: { dwarfs($0.bytes, root.bytes) }) { pool = others }
        }
        func rank(_ candidate: Candidate) -> Int {
            candidate.stateDict.hasUsualName ? 2 : candidate.stateDict.path.isEmpty ? 1 : 0
        }
        let best = pool.map(rank).max()
        return pool.filter { rank($0) == best }
    }

    /// Whether it is the fifth element of a list `[model, optimizer, epoch, step, ema]`.
    private static func isListedAverage(_ candidate: Candidate, in pool: [Candidate]) -> Bool {
        candidate.stateDict.path == ["4"] && pool.contains { $0.stateDict.path == ["0"] }
    }
}
