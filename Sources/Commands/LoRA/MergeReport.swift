import UD2MFormats
import UD2MLoRA

/// The result of `ud2m-lora merge` and `unmerge` (`schemas/lora-merge.schema.json`).
struct MergeReport: Encodable {
    struct Base: Encodable {
        let path: String
        let container: String
        let state: [String]
        let contentID: String?
        let architecture: String?
    }

    /// An adapter and how it was applied.
    struct Applied: Encodable {
        let adapter: AdapterReport
        let strength: Double
        /// Targets that fit the network.
        let matched: Int
        /// Targets that it does not have and that were left out.
        let unmatched: [String]

        init(_ item: WeightedAdapter) {
            adapter = AdapterReport(item.binding.adapter)
            strength = item.strength
            matched = item.binding.pairs.count
            unmatched = item.binding.unmatched.map(\.tensorName.text)
        }
    }

    /// A change that cannot be taken back.
    struct Irreversible: Encodable {
        let tensor: String
        let reason: String
    }

    /// How near taking back came to the network from before.
    struct Reversal: Encodable {
        /// Whether the file's last recorded step is the merge that was taken back.
        let recorded: Bool
        /// The identity of the network from before, where the record has it.
        let originalContentID: String?
        /// Whether exactly its weights came out; nil where that cannot be told.
        let exact: Bool?
    }

    struct Output: Encodable {
        let path: String?
        let format: String
        let bytes: Int
        let contentID: String?
        let written: Bool
    }

    let tool = "ud2m-lora"
    let version = Version.current
    let operation: String
    let base: Base
    let adapters: [Applied]
    let arithmetic: String
    /// The names of the changed tensors.
    let changed: [String]
    /// Tensors in all.
    let tensors: Int
    /// Changes that stay in the network; empty for merge.
    let irreversible: [Irreversible]
    /// Nil for merge.
    let reversal: Reversal?
    let output: Output
    /// What a person should know about the network and the adapters together.
    let notes: [String]
    let losses: [LossReport]
    let dryRun: Bool

    /// The report as lines for a person.
    var text: String {
        var lines = adapters.flatMap { item in
            let strength = item.strength == 1 ? "" : ", times \(ReportNumber(item.strength).text)"
            let unmatched = item.unmatched.isEmpty ? "" : ", \(item.unmatched.count) left out"
            return item.adapter.headline.prefix(1).map { $0 + strength }
                + ["  \(item.matched) of its tensors fit \(base.path.escapedForDisplay)\(unmatched)"]
                + item.adapter.changedBaseLines
        }
        lines.append("changed \(changed.count) of \(tensors) tensors, computed in \(arithmetic)")
        for item in irreversible.prefix(10) {
            lines.append("  stays as it is: \(item.tensor.escapedForDisplay). \(item.reason)")
        }
        if irreversible.count > 10 { lines.append("  and \(irreversible.count - 10) more; --json lists them") }
        if let reversal { lines.append(reversal.text(stillChanged: Set(irreversible.map(\.tensor)).count)) }
        if let path = output.path {
            lines.append(
                "\(output.written ? "wrote" : "would write") \(path.escapedForDisplay), \(ByteText.size(output.bytes))")
        }
        if let contentID = output.contentID { lines.append("content \(contentID)") }
        return lines.joined(separator: "\n")
    }
}

extension MergeReport.Reversal {
    fileprivate func text(stillChanged count: Int) -> String {
        if exact == true { return "these are exactly the weights from before the merge" }
        let record = recorded ? "" : "; no record of that merge is in the file"
        guard count == 0 else {
            return
                "not the weights from before the merge: \(count) \(count == 1 ? "tensor stays" : "tensors stay") changed, "
                + "the others are as before but for rounding\(record)"
        }
        return "the weights from before the merge, but for rounding in its place and here\(record)"
    }
}
