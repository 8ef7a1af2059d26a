import UD2MConvert
import UD2MFormats
import UD2MLoRA

/// The work of `ud2m bundle verify`.
struct BundleVerifyRun {
    let base: String?
    let requiresBase: Bool
    let deep: Bool
    let input: CheckpointInput

    /// Checks one bundle.
    /// - Throws: ``UD2MFormats/UD2MError`` when its structure is unsound, or `--base` cannot be opened; what is wrong
    ///   with its numbers and its base is reported.
    func execute(_ path: String, progress: any ProgressSink) throws -> BundleVerifyReport {
        let bundle = try TaskBundle(path: path, limits: input.limits, access: input.access)
        let damaged = try bundle.store.verify(deep: deep) { done, total in
            progress.update(Double(done) / Double(max(total, 1)), label: "verifying")
        }.map {
            BundleVerifyReport.Mismatch(
                tensor: $0.tensor.text, check: $0.kind.rawValue, begin: $0.range.lowerBound, end: $0.range.upperBound)
        }
        var problems: [String] = []
        // Damaged tensors are named already.
        if damaged.isEmpty {
            problems += try Self.problem(.adapterNotFinite) { try bundle.requireFinite() }
        }
        problems += operatorProblems(bundle) + ramProblems(bundle)
        let (found, baseProblems) = try checkBase(of: bundle)
        return BundleVerifyReport(
            path: path, ok: damaged.isEmpty && problems.isEmpty && baseProblems.isEmpty,
            level: deep ? .digests : .checksums, contentID: bundle.contentID, name: bundle.manifest.settings.name,
            mismatches: damaged, problems: problems + baseProblems, base: found)
    }

    /// What a check says when it fails with a code, as a sentence; nothing when it passes.
    private static func problem(_ code: UD2MError.Code, _ check: () throws -> Void) throws -> [String] {
        do {
            try check()
            return []
        } catch let error as UD2MError where error.code == code {
            return ["\(error.location.tensor ?? ""): \(error.message)"]
        }
    }

    private func operatorProblems(_ bundle: TaskBundle) -> [String] {
        let settings = bundle.manifest.settings
        guard let form = settings.forwardOperator else { return [] }
        guard let specification = try? BundleOperator.specification(form, at: bundle.path) else {
            return ["The operator is none that this program knows."]
        }
        return specification.task.rawValue == settings.task
            ? [] : ["The operator is one of \(specification.task.rawValue), and the task is \(settings.task)."]
    }

    private func ramProblems(_ bundle: TaskBundle) -> [String] {
        guard let configuration = bundle.manifest.ram else { return [] }
        let shapes = Dictionary(bundle.ram.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
        let parameters = configuration.parameters
        let wrong = parameters.filter { shapes[$0.name] != $0.shape }
        let extra = shapes.count - (parameters.count - parameters.count { shapes[$0.name] == nil })
        guard let first = wrong.first else {
            return extra == 0 ? [] : ["\(extra) tensors are not part of the RAM network."]
        }
        return ["\(wrong.count) tensors of the RAM network are missing or of another shape, first \(first.name)."]
    }

    // MARK: The base

    private func checkBase(of bundle: TaskBundle) throws -> (BundleVerifyReport.Base, [String]) {
        let record = bundle.manifest.base
        var report = BundleVerifyReport.Base(name: record.name, contentID: record.contentID)
        if bundle.manifest.form == .fat, base == nil {
            // Opening has compared its content and held the adapter against it.
            report.state = .inside
            return (report, [])
        }
        let locator = BaseLocator.forBundle(bundle.path)
        guard let store = try base.map({ try StoreInput.open($0) }) ?? locator.store(contentID: record.contentID) else {
            report.searched = locator.folders
            return (report, requiresBase ? ["The base was not found."] : [])
        }
        report.path = store.path
        var problems: [String] = []
        if store.contentID != record.contentID {
            report.state = .other
            problems.append(
                try store.shapeSignature() == record.signature
                    ? "The network has the shape of the base, and other weights or another precision."
                    : "The network is not the base: its tensors are others.")
        } else {
            report.state = .found
        }
        let tensors = try store.safetensors.checkpoint().stateDicts.flatMap(\.tensors)
        problems += try Self.problem(.adapterBaseMismatch) {
            try bundle.requireFit(AdapterBase(path: store.path, tensors: tensors))
        }
        return (report, problems)
    }
}

/// The result of `ud2m bundle verify` for one bundle (`schemas/bundle-verify.schema.json`).
struct BundleVerifyReport: Encodable {
    /// Data that do not match their checksum.
    struct Mismatch: Encodable {
        let tensor: String
        let check: String
        /// The damaged bytes of the file: from `begin` up to `end`.
        let begin: Int
        let end: Int
    }

    /// What became of the base.
    struct Base: Encodable {
        enum State: String, Encodable {
            /// It is in the bundle.
            case inside
            /// It was found, and is the right one.
            case found
            /// The network that was named is another.
            case other
            /// No folder has it.
            case missing
        }

        let name: String
        let contentID: String
        var state = State.missing
        /// Where it is; nil when it is inside or missing.
        var path: String?
        /// Where it was looked for in vain.
        var searched: [String]?
    }

    let tool = "ud2m bundle"
    let version = Version.current
    let path: String
    let ok: Bool
    let level: VerifyReport.Level
    let contentID: String
    let name: String
    let mismatches: [Mismatch]
    /// What is wrong besides, as sentences.
    let problems: [String]
    let base: Base

    /// The report as lines for a person.
    var text: String {
        let base =
            switch self.base.state {
            case .inside: "its base is inside"
            case .found: "its base is \((self.base.path ?? "").escapedForDisplay)"
            case .other: "\((self.base.path ?? "").escapedForDisplay) is not its base"
            case .missing: "its base \(self.base.name.escapedForDisplay) was not found"
            }
        var lines = [
            "\(path.escapedForDisplay): \(ok ? "ok" : "NOT OK"), \(name.escapedForDisplay), \(base), content \(contentID)"
        ]
        lines += mismatches.map {
            "  \($0.tensor.escapedForDisplay): bytes \($0.begin)–\($0.end) do not match their \($0.check)"
        }
        lines += problems.map { "  " + $0.escapedForDisplay }
        return lines.joined(separator: "\n")
    }
}
