import UD2MConvert
import UD2MFormats

/// The work of `ud2m-convert inspect`.
struct InspectRun {
    let select: String?
    let detection: DetectionOptions
    /// Whether tensors outside the selected state dict are listed too.
    let listsAll: Bool
    let computesDigests: Bool
    let input: CheckpointInput

    /// Describes one file; reads tensor data only for digests.
    /// - Throws: ``UD2MFormats/UD2MError``.
    func execute(_ path: String) throws -> InspectReport {
        try input.with(path) { checkpoint in
            let selection = try StateDictSelection(checkpoint: checkpoint, select: select, options: detection)
            let everything = checkpoint.stateDicts.flatMap(\.tensors) + checkpoint.looseTensors
            let listed = listsAll ? everything : selection?.stateDict.tensors ?? []
            var skipped = checkpoint.skipped
            let digests = computesDigests ? try self.digests(of: listed, skipped: &skipped) : [:]
            let names = Dictionary(
                (selection?.tensors ?? []).map { ($0.path, $0.name.text) }, uniquingKeysWith: { first, _ in first })
            let ties = TensorAliases.firsts(among: listed)
            let comparison = selection?.comparison
            let unrecognised = selection.flatMap { selection in comparison.flatMap(selection.unrecognisedText) }
            let undecided = selection?.architecture?.undecided
            return InspectReport(
                path: path, container: checkpoint.container.rawValue, bytes: checkpoint.fileSize,
                totals: TensorTotals(everything),
                stateDicts: checkpoint.stateDicts.map { .init(path: $0.path, totals: TensorTotals($0.tensors)) },
                selection: selection.map {
                    .init($0)
                },
                architecture: selection?.architecture.map { ArchitectureSummary($0) },
                unrecognised: selection == nil ? "There are no tensors." : unrecognised,
                undecided: undecided?.message, remedy: (selection?.unrecognised ?? undecided)?.remedy,
                mismatches: (comparison?.mismatches ?? []).map { .init($0) },
                mismatchCount: comparison?.count ?? 0, closest: comparison?.closest.map { .init($0) },
                contentID: checkpoint.metadata[StoreMetadata.Key.content],
                metadata: checkpoint.metadata.filter {
                    ![StoreMetadata.Key.checksums, StoreMetadata.Key.content].contains($0.key)
                },
                tensors: zip(listed, ties).map { tensor, tiedTo in
                    .init(
                        path: tensor.path, name: names[tensor.path], dtype: tensor.elementTypeName,
                        shape: tensor.shape, bytes: tensor.byteCount,
                        sha256: digests[TensorAliases.Place(tensor)], tiedTo: tiedTo.map { listed[$0].path })
                },
                sparse: (selection?.tensors ?? []).sparseTensors.map { .init($0) },
                looseTensors: checkpoint.looseTensorPaths(besides: selection?.stateDict),
                skipped: skipped.map { .init(path: $0.path, reason: $0.reason) },
                findings: .init(checkpoint.findings),
                remarks: checkpoint.remarks + [Self.remark(ties), TensorAliases.remark(on: listed)].compactMap(\.self)
                    + (selection?.architecture?.notes ?? []))
        }
    }

    private static func remark(_ ties: [Int?]) -> String? {
        let count = ties.count { $0 != nil }
        guard count > 0 else { return nil }
        return count == 1
            ? "1 tensor is the same bytes as another; it is written once."
            : "\(count) tensors are the same bytes as others; those are written once."
    }

    /// SHA-256 of each distinct tensor; those that would expand beyond measure are listed as skipped instead.
    private func digests(
        of tensors: [TensorSource], skipped: inout [SkippedTensor]
    ) throws -> [TensorAliases.Place: String] {
        var first: [TensorAliases.Place: TensorSource] = [:]
        var order: [TensorSource] = []
        var budget = ExpansionBudget(of: tensors)
        for tensor in tensors where first.updateValue(tensor, forKey: .init(tensor)) == nil {
            do {
                try budget.charge(tensor)
                order.append(tensor)
            } catch let error as UD2MError {
                skipped.append(SkippedTensor(path: tensor.path, reason: error.message))
            }
        }
        let hashed = try Parallel.map(order) { tensor in try tensor.sha256() }
        return Dictionary(
            zip(order.map { TensorAliases.Place($0) }, hashed), uniquingKeysWith: { first, _ in first })
    }
}

extension TensorSource {
    /// SHA-256 of the dense little-endian bytes.
    fileprivate func sha256() throws -> String {
        var hash = try SHA256()
        try stream(as: elementType, pieceBytes: 1 << 20) { try hash.update($0) }
        return try hash.finish()
    }
}
