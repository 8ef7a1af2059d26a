import UD2MConvert
import UD2MFormats

/// The work of `ud2m-convert stat`.
struct StatRun {
    let select: String?
    let keepsPrefix: Bool
    let filter: NameFilter
    let input: CheckpointInput

    /// Reads every tensor that the patterns let through.
    /// - Throws: ``UD2MFormats/UD2MError``.
    func execute(_ path: String, progress: any ProgressSink) throws -> SelectedReport<StatReport> {
        try input.with(path) { checkpoint in
            let selection = try StateDictSelection.required(
                in: checkpoint, select: select, keepsPrefix: keepsPrefix)
            let rest = CheckpointRest(of: checkpoint, besides: selection)
            let patterns = filter.outcome(among: selection.tensors.map(\.name))
            let tensors = selection.tensors.filter { filter.accepts($0.name) }
            try tensors.checkExpansion(file: path)
            let counter = SharedProgress(
                progress, total: TensorTotals(tensors).bytes, label: "reading")
            let statistics = try Parallel.map(tensors, finished: { counter.add($0.byteCount) }) {
                try TensorStatistics(of: $0)
            }
            let report = StatReport(
                path: path, state: selection.stateDict.path, prefix: selection.prefix,
                tensors: zip(tensors, statistics).map { .init($0, $1) }, unmatchedPatterns: patterns.unmatched,
                skipped: rest.skipped, otherStateDicts: rest.otherStateDicts, looseTensors: rest.looseTensors,
                remarks: rest.remarks)
            return SelectedReport(report: report, rest: rest, patterns: patterns)
        }
    }
}
