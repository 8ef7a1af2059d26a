import UD2MRuntime

/// What came of letting a library compute one layer, as reports say it.
struct AcceleratorReport: Encodable {
    /// "cublaslt" or "cudnn".
    let library: String
    let layer: String
    let isUsed: Bool
    /// From the kernels' result on first use; nil where it was not compared, or is no number.
    let error: Double?
    let bound: Double?
    /// Why it is not used.
    let reason: String?
    let kernelMilliseconds: Double?
    let libraryMilliseconds: Double?

    init(_ use: AcceleratorUse) {
        library = use.accelerator.rawValue
        layer = use.layer
        isUsed = use.isUsed
        error = use.error
        bound = use.bound
        reason = use.reason
        kernelMilliseconds = use.kernelSeconds.map { ($0 * 1e6).rounded() / 1e3 }
        libraryMilliseconds = use.librarySeconds.map { ($0 * 1e6).rounded() / 1e3 }
    }

    /// Lines for a person: a layer each.
    static func lines(_ reports: [AcceleratorReport]) -> [String] {
        guard !reports.isEmpty else { return [] }
        var table = TextTable([.left, .left, .right, .right, .right, .left])
        table.add("library", "layer", "error", "ms", "kernels' ms", "")
        for report in reports {
            table.add(
                report.library, report.layer, report.error.map { numberText("%.1e", $0) } ?? "–",
                report.libraryMilliseconds.map { numberText("%.3f", $0) } ?? "–",
                report.kernelMilliseconds.map { numberText("%.3f", $0) } ?? "–",
                report.isUsed ? "used" : "not used: \(report.reason ?? "")")
        }
        return table.lines
    }
}

extension ComputeTarget {
    /// What libraries computed, and did not; nil where none was asked for.
    var accelerators: [AcceleratorReport]? {
        guard case .cuda(let context, _) = self, context.hasAccelerators else { return nil }
        return context.acceleratorUses.map { AcceleratorReport($0) }
    }

    /// Says on standard error, once, that results of libraries differed from the kernels'.
    func noteDifferences(isQuiet: Bool) {
        guard !isQuiet, let differing = accelerators?.filter({ !$0.isUsed && $0.bound != nil }),
            let first = differing.first
        else { return }
        StandardError.print(
            "note: \(first.library) gave other results than the kernels in \(differing.count) "
                + "\(differing.count == 1 ? "layer" : "layers"), first in \(first.layer); the kernels compute them.")
    }
}
