import ArgumentParser
import UD2MLinearAlgebra
import UD2MLoRA

/// How the ranks of a result are chosen.
struct RankFlags: ParsableArguments {
    @Option(help: "Rank of every layer.")
    var rank: Int?

    @Option(
        help: ArgumentHelp(
            "Smallest ranks that hold this fraction of each layer's energy, such as 0.99.", valueName: "fraction"))
    var energy: Double?

    @Option(
        help: ArgumentHelp("Smallest ranks whose relative error is at most this, such as 0.01.", valueName: "number"))
    var error: Double?

    @Option(
        help: ArgumentHelp(
            "Bytes of all factors together, such as 2MB: ranks go to where they lower the total error most.",
            valueName: "size"),
        transform: ByteSize.parse)
    var size: ByteSize?

    @Option(
        name: .customLong("max-rank"), help: "Highest rank of a layer where --energy, --error or --size chooses it.")
    var maximumRank: Int?

    func validate() throws {
        let count = [rank != nil, energy != nil, error != nil, size != nil].count { $0 }
        guard count <= 1 else { throw ValidationError("--rank, --energy, --error and --size exclude each other.") }
        if let maximumRank, maximumRank < 1 { throw ValidationError("--max-rank must be 1 or more.") }
    }

    /// What the flags ask for; nil when they ask for nothing.
    var policy: RankPolicy? {
        if let size { return .parameters(size.bytes / MemoryLayout<Float>.size) }
        return choice.map { .each($0) }
    }

    /// The choice for each layer; nil when the flags ask for none.
    var choice: RankChoice? {
        if let rank { return .rank(rank) }
        if let energy { return .energy(energy, atMost: maximumRank) }
        return error.map { .relativeError($0, atMost: maximumRank) }
    }

    /// What the flags ask for.
    /// - Throws: a usage error when they ask for nothing.
    func required() throws -> RankPolicy {
        guard let policy else {
            throw ValidationError("Say how ranks are chosen: --rank, --energy, --error or --size.")
        }
        return policy
    }
}
