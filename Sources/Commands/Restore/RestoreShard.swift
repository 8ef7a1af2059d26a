import ArgumentParser

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A part of a run: items K, K + N, K + 2N, …
struct RestoreShard: Hashable {
    let index: Int
    let count: Int

    static let whole = RestoreShard(index: 0, count: 1)

    init(index: Int, count: Int) {
        self.index = index
        self.count = count
    }

    /// Reads `K/N`, K from 0 to N − 1.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let index = parts[0], let count = parts[1], count > 0, (0..<count).contains(index)
        else { return nil }
        self.init(index: index, count: count)
    }

    /// Reads `K/N`, or `auto` for what the environment says.
    /// - Throws: `ValidationError` for anything else, and where the environment does not say it.
    static func argument(_ text: String) throws -> RestoreShard {
        guard text == "auto" else {
            guard let shard = RestoreShard(text) else {
                throw ValidationError("--shard must be auto or K/N with 0 ≤ K < N.")
            }
            return shard
        }
        guard let shard = RestoreShard(environment: ProcessInfo.processInfo.environment) else {
            throw ValidationError(
                "--shard auto finds no part: set UD2M_SHARD to K/N, or UD2M_SHARDS to N inside a job array.")
        }
        return shard
    }

    /// Where a scheduler says which of its jobs this is (`ux.md` §5.1).
    private struct Scheduler {
        /// The job's number, and the lowest of all; 0 where that has no variable.
        let index: String
        let lowest: String?
        let defaultLowest: Int
        /// How many jobs there are.
        let count: String

        init(_ index: String, lowest: String? = nil, defaultLowest: Int = 0, count: String = "UD2M_SHARDS") {
            self.index = index
            self.lowest = lowest
            self.defaultLowest = defaultLowest
            self.count = count
        }
    }

    /// Slurm counts its jobs, and may start anywhere; of the others, who starts them says how many there are.
    private static let schedulers = [
        Scheduler("SLURM_ARRAY_TASK_ID", lowest: "SLURM_ARRAY_TASK_MIN", count: "SLURM_ARRAY_TASK_COUNT"),
        Scheduler("JOB_COMPLETION_INDEX"),
        Scheduler("PBS_ARRAY_INDEX"),
        Scheduler("LSB_JOBINDEX", defaultLowest: 1, count: "LSB_JOBINDEX_END"),
        Scheduler("AWS_BATCH_JOB_ARRAY_INDEX"),
    ]

    /// The part that a scheduler gave this process: `UD2M_SHARD` (K/N) goes before what Slurm, Kubernetes, PBS, LSF and AWS
    /// Batch say; where they do not tell the number of parts, `UD2M_SHARDS` does. Nil when not all of it is said.
    /// - Parameter environment: The process's variables.
    init?(environment: [String: String]) {
        if let given = environment["UD2M_SHARD"] {
            self.init(given)
            return
        }
        for scheduler in Self.schedulers {
            guard let index = environment[scheduler.index].flatMap({ Int($0) }) else { continue }
            let lowest = scheduler.lowest.flatMap { environment[$0] }.flatMap { Int($0) } ?? scheduler.defaultLowest
            let total = environment["UD2M_SHARDS"] ?? environment[scheduler.count]
            guard let count = total.flatMap({ Int($0) }), count > 0, (0..<count).contains(index - lowest) else {
                return nil
            }
            self.init(index: index - lowest, count: count)
            return
        }
        return nil
    }
}
