import UD2MConvert
import UD2MFormats

/// The work of `ud2m-convert diff`.
struct DiffRun {
    let select: String?
    let keepsPrefix: Bool
    let filter: NameFilter
    let comparesStructure: Bool
    let comparesValues: Bool
    let tolerance: Double
    let input: CheckpointInput

    /// What was found, and what was left aside of both files.
    struct Result {
        let report: DiffReport
        let rests: [CheckpointRest]
        let patterns: NameFilter.Outcome
    }

    private struct Pair: Sendable {
        let a: TensorSource
        let b: TensorSource
    }

    /// Compares two checkpoints by the names of their tensors.
    /// - Throws: ``UD2MFormats/UD2MError``.
    func execute(_ pathA: String, _ pathB: String, progress: any ProgressSink) throws -> Result {
        let checkpoints = (try input.open(pathA), try input.open(pathB))
        let a = try StateDictSelection.required(in: checkpoints.0, select: select, keepsPrefix: keepsPrefix)
        let b = try StateDictSelection.required(in: checkpoints.1, select: select, keepsPrefix: keepsPrefix)
        let rests = [
            CheckpointRest(of: checkpoints.0, besides: a), CheckpointRest(of: checkpoints.1, besides: b),
        ]
        let patterns = filter.outcome(among: (a.tensors + b.tensors).map(\.name))
        let left = a.tensors.filter { filter.accepts($0.name) }
        let right = b.tensors.filter { filter.accepts($0.name) }
        if comparesValues {
            try left.checkExpansion(file: pathA)
            try right.checkExpansion(file: pathB)
        }
        let byName = Dictionary(right.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let names = Set(left.map(\.name))
        let pairs = left.compactMap { tensor in byName[tensor.name].map { Pair(a: tensor, b: $0) } }

        let structure = DiffReport.Structure(
            onlyInA: left.map(\.name).filter { byName[$0] == nil }.sorted().map(\.text),
            onlyInB: right.map(\.name).filter { !names.contains($0) }.sorted().map(\.text),
            dtypes: pairs.filter { $0.a.elementTypeName != $0.b.elementTypeName }.map {
                .init(name: $0.a.name.text, a: $0.a.elementTypeName, b: $0.b.elementTypeName)
            },
            shapes: pairs.filter { $0.a.shape != $0.b.shape }.map {
                .init(name: $0.a.name.text, a: $0.a.shape, b: $0.b.shape)
            })
        let values =
            comparesValues ? try self.values(of: pairs.filter { $0.a.shape == $0.b.shape }, progress: progress) : nil
        let hasSameStructure =
            structure.onlyInA.isEmpty && structure.onlyInB.isEmpty && structure.dtypes.isEmpty
            && structure.shapes.isEmpty
        // Tensors that cannot be compared are not equal, whatever is asked for.
        let isComparable = structure.onlyInA.isEmpty && structure.onlyInB.isEmpty && structure.shapes.isEmpty
        let report = DiffReport(
            a: side(checkpoints.0, a, left, rests[0]), b: side(checkpoints.1, b, right, rests[1]),
            // Nothing was found equal where a pattern finds nothing.
            equal: !patterns.isNegative && (comparesStructure ? hasSameStructure : isComparable)
                && values?.different.allSatisfy(\.withinTolerance) ?? true,
            unmatchedPatterns: patterns.unmatched, structure: comparesStructure ? structure : nil, values: values)
        return Result(report: report, rests: rests, patterns: patterns)
    }

    private func values(of pairs: [Pair], progress: any ProgressSink) throws -> DiffReport.Values {
        let counter = SharedProgress(progress, total: TensorTotals(pairs.map(\.a)).bytes, label: "comparing")
        let differences = try Parallel.map(pairs, finished: { counter.add($0.a.byteCount) }) {
            try TensorDifference($0.a, $0.b)
        }
        let different = zip(pairs, differences).filter { !$0.1.isIdentical }
            .sorted { lhs, rhs in
                let (left, right) = (rank(lhs.1), rank(rhs.1))
                return left != right ? left > right : lhs.0.a.name < rhs.0.a.name
            }
        return DiffReport.Values(
            tolerance: tolerance, compared: pairs.count, identical: pairs.count - different.count,
            different: different.map { .init(name: $0.0.a.name, $0.1, tolerance: tolerance) })
    }

    /// How bad a difference is; what cannot be measured is worst.
    private func rank(_ difference: TensorDifference) -> Double {
        difference.isNumeric && difference.nanMismatchCount == 0 ? difference.maximumDistance : .infinity
    }

    private func side(
        _ checkpoint: Checkpoint, _ selection: StateDictSelection, _ tensors: [TensorSource], _ rest: CheckpointRest
    ) -> DiffReport.Side {
        .init(
            path: checkpoint.path, container: checkpoint.container.rawValue, state: selection.stateDict.path,
            prefix: selection.prefix, tensors: tensors.count, skipped: rest.skipped,
            otherStateDicts: rest.otherStateDicts, looseTensors: rest.looseTensors)
    }
}
