import UD2MConvert
import UD2MFormats

/// What a command leaves aside of a checkpoint; reports name it, so that nothing is lost in silence (`formats.md` §0.4).
struct CheckpointRest {
    /// A state dict that was not taken.
    struct State: Encodable {
        let path: [String]
        let tensors: Int
        let bytes: Int
    }

    /// Tensors that cannot be delivered.
    let skipped: [ConvertReport.Skipped]
    /// State dicts that were not taken.
    let otherStateDicts: [State]
    /// The paths of tensors outside any state dict, without those that were taken as one.
    let looseTensors: [[String]]
    /// Oddities of the file that change nothing.
    let remarks: [String]
    private let file: String
    private let taken: String
    private let flagged: [PickleFinding]

    init(of checkpoint: Checkpoint, besides selection: StateDictSelection) {
        skipped = checkpoint.skipped.map { .init(path: $0.path, reason: $0.reason) }
        otherStateDicts = checkpoint.stateDicts.filter { $0.path != selection.stateDict.path }.map {
            State(path: $0.path, tensors: $0.tensors.count, bytes: $0.tensors.totalByteCount)
        }
        looseTensors = checkpoint.looseTensorPaths(besides: selection.stateDict)
        remarks = checkpoint.remarks
        file = checkpoint.path
        taken = selection.stateDict.displayPath
        flagged = checkpoint.findings.filter { $0.severity > .note }
    }

    /// Says on standard error what was left aside; losses and flags always, the rest unless `quiet`.
    func warn(quiet: Bool) {
        let file = file.escapedForDisplay
        if let first = flagged.first {
            StandardError.print(
                "warning: \(file): the pickle is flagged, \(flagged.count) findings, first "
                    + "\(first.summary.escapedForDisplay) See ud2m-convert scan.")
        }
        for item in skipped.prefix(5) {
            StandardError.print(
                "warning: \(file): the tensor \(Self.display(item.path)) cannot be delivered: "
                    + item.reason.escapedForDisplay)
        }
        if skipped.count > 5 {
            StandardError.print("warning: \(file): nor can \(skipped.count - 5) further tensors; --json lists them")
        }
        guard !quiet else { return }
        for remark in remarks.prefix(5) { StandardError.print("note: \(file): \(remark.escapedForDisplay)") }
        if remarks.count > 5 {
            StandardError.print("note: \(file): \(remarks.count - 5) further notes; --json lists them")
        }
        if !otherStateDicts.isEmpty {
            let shown = otherStateDicts.prefix(5).map {
                "\(Self.display($0.path)) (\($0.tensors) tensors, \(ByteText.size($0.bytes)))"
            }
            let rest = otherStateDicts.count > 5 ? " and \(otherStateDicts.count - 5) more" : ""
            StandardError.print(
                "note: \(file): took state dict \(taken.escapedForDisplay); also in the file, see --select: "
                    + shown.joined(separator: ", ") + rest)
        }
        if !looseTensors.isEmpty {
            let shown = looseTensors.prefix(5).map(Self.display)
            let rest = looseTensors.count > 5 ? " and \(looseTensors.count - 5) more" : ""
            StandardError.print(
                "note: \(file): \(looseTensors.count) tensors are in no state dict; --select takes these places as well: "
                    + shown.joined(separator: ", ") + rest)
        }
    }

    private static func display(_ path: [String]) -> String {
        path.isEmpty ? "(root)" : path.joined(separator: ".").escapedForDisplay
    }
}

extension Checkpoint {
    /// The paths of tensors outside any state dict, without those that a selection takes as one.
    func looseTensorPaths(besides stateDict: StateDict?) -> [[String]] {
        let taken = Set((stateDict?.tensors ?? []).map(\.path))
        return looseTensors.map(\.path).filter { !taken.contains($0) }
    }
}
