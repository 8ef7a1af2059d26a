import UD2MConvert
import UD2MFormats
import UD2MLoRA

/// An adapter as reports give it (`schemas/lora-parts.schema.json`).
struct AdapterReport: Encodable {
    /// One tensor of the base that it changes.
    struct Target: Encodable {
        let component: String?
        let module: String
        let parameter: String
        let kind: String
        let rank: Int?
        let alpha: Double?
        let scale: Double
        let shape: [Int]

        init(_ target: AdapterManifest.Target) {
            component = target.component
            module = target.module
            parameter = target.parameter
            kind = target.kind
            rank = target.rank
            alpha = target.alpha
            scale = target.scale
            shape = target.shape
        }
    }

    /// Numbers that the file holds.
    struct Parameters: Encodable {
        /// In factors: what publications count.
        let factors: Int
        /// In tensors that change as a whole.
        let whole: Int
    }

    /// Tensors of the file that are no part of the adapter.
    struct LeftAside: Encodable {
        let reason: String
        let tensors: [String]
    }

    let path: String
    let convention: String
    let ranks: [Int]
    let parameters: Parameters
    let targets: [Target]
    let leftAside: [LeftAside]
    let notes: [String]
    /// The base that the file names.
    let baseName: String?
    /// PEFT's word for the initialisation that changed the network as well, to which the adapter then belongs.
    let changedBase: String?

    init(_ adapter: Adapter) {
        path = adapter.path
        convention = adapter.convention.rawValue
        ranks = adapter.ranks
        parameters = Parameters(factors: adapter.factorParameterCount, whole: adapter.wholeParameterCount)
        targets = AdapterManifest(adapter).targets.map { Target($0) }
        leftAside = adapter.leftAside.map { LeftAside(reason: $0.reason, tensors: $0.names.map(\.text)) }
        notes = adapter.notes
        baseName = adapter.baseName
        changedBase = adapter.changedBase?.initialisation
    }

    /// The first lines for a person.
    var headline: [String] {
        let rank = ranks.isEmpty ? "no factors" : "rank \(ranks.map(String.init).joined(separator: ", "))"
        let scales = Set(targets.filter { $0.rank != nil }.map(\.scale)).sorted()
        let scale =
            switch scales.count {
            case 0: ""
            case 1: ", scale \(ReportNumber(scales[0]).text)"
            default: ", scales \(ReportNumber(scales[0]).text) to \(ReportNumber(scales[scales.count - 1]).text)"
            }
        let kinds = Dictionary(targets.map { ($0.kind, 1) }, uniquingKeysWith: +).sorted { $0.key < $1.key }
            .map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        let whole = parameters.whole > 0 ? ", \(ByteText.grouped(parameters.whole)) in whole tensors" : ""
        let lines = [
            "\(path.escapedForDisplay): \(convention) adapter, \(rank)\(scale)",
            "  \(targets.count) tensors: \(kinds)",
            "  \(ByteText.grouped(parameters.factors)) parameters in factors\(whole)",
        ]
        return lines + changedBaseLines
    }

    /// The line that says which network the adapter belongs to where that is not the original.
    var changedBaseLines: [String] {
        changedBase.map {
            ["  for the network that was left when PEFT took the factors out of it (\($0.escapedForDisplay))"]
        }
            ?? []
    }

    /// A table of the targets for a person.
    var targetLines: [String] {
        var table = TextTable([.left, .left, .right, .right, .left])
        table.add("tensor", "kind", "rank", "scale", "shape")
        for target in targets {
            let component = target.component.map { $0 + ":" } ?? ""
            table.add(
                (component + target.module + "." + target.parameter).escapedForDisplay, target.kind,
                target.rank.map(String.init) ?? "-", ReportNumber(target.scale).text, target.shape.shapeText)
        }
        return table.lines.map { "  " + $0 }
    }

    /// Says on standard error what a person should know.
    func warn() {
        for note in notes { StandardError.print("warning: \(path.escapedForDisplay): \(note.escapedForDisplay)") }
    }
}
