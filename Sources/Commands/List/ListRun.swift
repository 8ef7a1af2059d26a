import ArgumentParser
import UD2MConvert
import UD2MFormats

/// The work of `ud2m-convert ls`.
struct ListRun {
    /// The orders of a listing.
    enum Order: String, ExpressibleByArgument, CaseIterable {
        /// As in the file.
        case file
        /// By name, by bytes.
        case name
        /// Largest first.
        case size
    }

    let select: String?
    let keepsPrefix: Bool
    let filter: NameFilter
    let order: Order
    let input: CheckpointInput

    /// Lists the selected state dict.
    /// - Throws: ``UD2MFormats/UD2MError``.
    func execute(_ path: String) throws -> SelectedReport<ListReport> {
        try input.with(path) { checkpoint in
            let selection = try StateDictSelection.required(
                in: checkpoint, select: select, keepsPrefix: keepsPrefix)
            let rest = CheckpointRest(of: checkpoint, besides: selection)
            let patterns = filter.outcome(among: selection.tensors.map(\.name))
            var tensors = selection.tensors.filter { filter.accepts($0.name) }
            switch order {
            case .file: break
            case .name: tensors.sort { $0.name < $1.name }
            case .size: tensors.sort { ($0.byteCount, $1.name) > ($1.byteCount, $0.name) }
            }
            let report = ListReport(
                path: path, state: selection.stateDict.path, prefix: selection.prefix,
                tensors: tensors.map {
                    .init(
                        name: $0.name.text, dtype: $0.elementTypeName, shape: $0.shape, bytes: $0.byteCount)
                }, totals: TensorTotals(tensors), sparse: tensors.sparseTensors.map { .init($0) },
                unmatchedPatterns: patterns.unmatched, skipped: rest.skipped, otherStateDicts: rest.otherStateDicts,
                looseTensors: rest.looseTensors, remarks: rest.remarks)
            return SelectedReport(report: report, rest: rest, patterns: patterns)
        }
    }
}
