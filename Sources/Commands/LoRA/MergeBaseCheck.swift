import UD2MFormats
import UD2MLoRA

/// Whether a network is the one that an adapter is to be merged into, beyond names and shapes.
struct MergeBaseCheck {
    private let input: BaseInput
    private let allowsAny: Bool

    /// - Parameters:
    ///   - input: The network.
    ///   - allowsAny: Whether another network is told of instead of refused.
    init(_ input: BaseInput, allowsAny: Bool) {
        self.input = input
        self.allowsAny = allowsAny
    }

    /// What a person should know about merging the adapter.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `bundle-base-other` for a bundle of another network,
    ///   `adapter-merged-already` for a network with this adapter in it; neither where any network is allowed.
    func notes(on adapter: Adapter) throws -> [String] {
        var notes: [String] = []
        if let wanted = adapter.baseContentID {
            if let found = input.contentID {
                let message = "The bundle names another network as its base, content \(wanted); this one is \(found)."
                if found != wanted {
                    try refuse(.bundleBaseOther, message)
                    notes.append(message)
                }
            } else {
                notes.append(
                    "Whether the network is the bundle's base was not compared: only a .ud2w store says what it is.")
            }
        }
        if try isMerged(adapter) {
            let message = "The network's record says that this adapter is in it already."
            try refuse(.adapterMergedAlready, message)
            notes.append(message)
        }
        return notes.map { "\(adapter.path): \($0)" }
    }

    private func refuse(_ code: UD2MError.Code, _ message: String) throws(UD2MError) {
        guard !allowsAny else { return }
        throw UD2MError(
            code, message, at: .init(file: input.checkpoint.path),
            remedy: "Name the network that it was trained on, or pass --any-base to merge all the same.")
    }

    /// Whether the recorded steps merged the adapter more often than they took it back.
    private func isMerged(_ adapter: Adapter) throws -> Bool {
        let lineage = try StoreMetadata(pairs: input.checkpoint.metadata, at: .init(file: input.checkpoint.path))
            .lineage
        guard !lineage.isEmpty else { return false }
        let content = JSONValue.string(try adapter.contentID())
        var count = 0
        for case .object(let step) in lineage {
            guard case .array(let adapters)? = step["adapters"] else { continue }
            let times = adapters.count { record in
                if case .object(let record) = record { record["content"] == content } else { false }
            }
            if step["op"] == .string(MergeRun.Operation.merge.rawValue) { count += times }
            if step["op"] == .string(MergeRun.Operation.unmerge.rawValue) { count -= times }
        }
        return count > 0
    }
}
