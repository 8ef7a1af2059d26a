import UD2MConvert
import UD2MFormats
import UD2MLoRA

/// The work of `ud2m-lora merge` and `unmerge`.
struct MergeRun {
    /// Which of the two.
    enum Operation: String {
        case merge
        case unmerge
    }

    let operation: Operation
    let base: String
    let adapters: [(path: String, strength: Double)]
    let flags: MergeFlags
    let keepsIrreversible: Bool

    /// Merges, or with `--dry-run` checks everything that a merge would.
    /// - Throws: ``UD2MFormats/UD2MError``.
    func execute(progress: any ProgressSink) throws -> MergeReport {
        let opening = flags.reading.input
        if let output = flags.output, !flags.dryRun {
            try OutputFile.requireWritable(output, overwrite: flags.force, inputs: [base] + adapters.map(\.path))
        }
        let input = try BaseInput(base, select: flags.select, opening)
        var irreversible: [MergeReport.Irreversible] = []
        var notes: [String] = []
        let bound = try adapters.map { item in
            let adapter = try flags.adapters.read(item.path, opening)
            let binding = try AdapterBinding(adapter, to: input.base)
            try binding.requireComplete(base: base, allowUnmatched: flags.allowUnmatched)
            guard operation == .unmerge else {
                try binding.requireSameOriginals(base: base)
                notes += try MergeBaseCheck(input, allowsAny: flags.anyBase).notes(on: adapter)
                return WeightedAdapter(binding, strength: item.strength)
            }
            let (reversible, rest) = binding.split { $0.change.isReversible }
            irreversible += rest.map { .init($0) }
            return WeightedAdapter(reversible, strength: -item.strength)
        }
        if let first = irreversible.first, !keepsIrreversible {
            throw UD2MError(
                .adapterIrreversible,
                "\(irreversible.count) changes cannot be taken back, the first of \(first.tensor): \(first.reason)",
                at: .init(file: base, tensor: first.tensor),
                remedy: "Use the original network, or pass --keep-irreversible to leave these tensors as they are.")
        }
        let rules = try flags.cast.makeRules()
        let plan = MergePlan(
            base: input.base, adapters: bound, arithmetic: flags.arithmetic,
            elementTypes: try rules.elementTypes(of: input.selection.tensors))
        try plan.requireFinite()
        let record = try operation == .unmerge ? recordedMerge(in: input, of: bound) : nil
        return try write(plan, input, rules, (irreversible, notes), record, progress: progress)
    }

    private func write(
        _ plan: MergePlan, _ input: BaseInput, _ rules: CastRules,
        _ remarks: (irreversible: [MergeReport.Irreversible], notes: [String]),
        _ record: RecordedMerge?, progress: any ProgressSink
    ) throws -> MergeReport {
        let format = flags.output.flatMap { Exporter.Format(suffixOf: $0) } ?? .ud2w
        var options = Exporter.Options(format: format)
        options.cast = rules
        options.lineage = [try plan.lineage(operation: operation.rawValue, base: input.contentID)]
        options.otherInputs = plan.adapters.map(\.binding.adapter.path)
        let exporter = try Exporter(
            checkpoint: input.checkpoint, selection: input.selection.replacing(tensors: plan.tensors), options: options)
        let bytes = try exporter.files(at: flags.output ?? "").first?.bytes ?? 0
        var contentID: String?
        if let output = flags.output, !flags.dryRun {
            contentID = try exporter.write(to: output, overwrite: flags.force) { done, total in
                progress.update(Double(done) / Double(max(total, 1)), label: "merging")
            }
        } else {
            // The changed tensors only: what their numbers are is part of the check.
            let changed = Set(plan.changed)
            for tensor in plan.tensors where changed.contains(tensor.name) {
                try tensor.stream(as: tensor.elementType) { _ in }
            }
        }
        let overflows = plan.overflows.map {
            LossReport(name: $0.name.text, overflows: $0.count, normalizedBooleans: 0)
        }
        return MergeReport(
            operation: operation.rawValue,
            base: .init(
                path: base, container: input.checkpoint.container.rawValue, state: input.selection.stateDict.path,
                contentID: input.contentID, architecture: input.selection.architecture?.summary),
            adapters: plan.adapters.map { .init($0) }, arithmetic: plan.arithmetic.rawValue,
            changed: plan.changed.map(\.text), tensors: plan.tensors.count, irreversible: remarks.irreversible,
            reversal: operation == .unmerge
                ? .init(
                    recorded: record != nil, originalContentID: record?.base,
                    exact: record?.base.flatMap { base in contentID.map { $0 == base } })
                : nil,
            output: .init(
                path: flags.output, format: format.rawValue, bytes: bytes, contentID: contentID,
                written: flags.output != nil && !flags.dryRun),
            notes: remarks.notes, losses: overflows + exporter.ledger.reports, dryRun: flags.dryRun)
    }

    /// What a file says of a merge that it came from.
    private struct RecordedMerge {
        /// The content id of the network before.
        let base: String?
    }

    /// The file's record of the merge that is to be taken back; nil when its last step is another.
    private func recordedMerge(in input: BaseInput, of adapters: [WeightedAdapter]) throws -> RecordedMerge? {
        let lineage = try StoreMetadata(pairs: input.checkpoint.metadata, at: .init(file: base)).lineage
        guard case .object(let step)? = lineage.last, step["op"] == .string(Operation.merge.rawValue),
            case .array(let merged)? = step["adapters"], merged.count == adapters.count
        else { return nil }
        for (record, adapter) in zip(merged, adapters) {
            guard case .object(let record) = record,
                record["content"] == .string(try adapter.binding.adapter.contentID()),
                record["strength"] == .double(-adapter.strength)
            else { return nil }
        }
        guard case .string(let base)? = step["base"] else { return RecordedMerge(base: nil) }
        return RecordedMerge(base: base)
    }
}

extension AdapterChange {
    /// Whether the change can be subtracted again: it does not depend on the tensor that it changes.
    fileprivate var isReversible: Bool {
        if case .replacement = self { return false }
        return magnitude == nil
    }
}

extension MergeReport.Irreversible {
    fileprivate init(_ pair: AdapterBinding.Pair) {
        tensor = pair.tensor.name.text
        if case .replacement = pair.target.change {
            reason = "The adapter replaced it; what it was before is in neither file."
        } else {
            reason = "DoRA changed the lengths of its rows; what they were before is in neither file."
        }
    }
}
