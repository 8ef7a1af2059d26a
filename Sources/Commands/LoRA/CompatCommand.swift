import ArgumentParser
import UD2MConvert
import UD2MFormats
import UD2MLoRA

/// `ud2m-lora compat`: whether an adapter fits a network.
struct CompatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compat",
        abstract: "Tell whether an adapter fits a network: names, shapes, recorded weights. Exits with 1 if not.")

    @Argument(help: "The network: a store or checkpoint.")
    var base: String

    @Argument(help: "The adapter.")
    var adapter: String

    @Option(help: ArgumentHelp("State dict of the network; the one that stands out unless given.", valueName: "path"))
    var select: String?

    @OptionGroup
    var flags: AdapterFlags

    @OptionGroup
    var reading: InputOptions

    @OptionGroup
    var reporting: OutputOptions

    func run() throws {
        let input = try BaseInput(base, select: select, reading.input)
        let report = try CompatReport(input, flags.read(adapter, reading.input))
        if reporting.json {
            try JSONOutput.print(report)
        } else {
            report.adapter.warn()
            if !reporting.quiet { try StandardOutput.print(report.text) }
        }
        if !report.compatible { throw ExitCode(ExitCodes.negative) }
    }
}

/// The result of `ud2m-lora compat` (`schemas/lora-compat.schema.json`).
struct CompatReport: Encodable {
    let tool = "ud2m-lora"
    let version = Version.current
    let base: String
    let architecture: String?
    let adapter: AdapterReport
    let compatible: Bool
    /// Targets that fit.
    let matched: Int
    /// Targets that the network does not have.
    let unmatched: [String]
    /// Tensors whose shape is another.
    let mismatches: [MismatchReport]
    /// Why the network is not the one that the adapter was trained on although its tensors fit; nil where it may be.
    let otherWeights: String?
    /// The content id of the network that a bundle names where this one is another; nil where it may be this one.
    let otherBase: String?
    /// Numbers of the adapter that are not finite, by the first tensor that has one.
    let notFinite: String?

    init(_ input: BaseInput, _ adapter: Adapter) throws {
        let binding = try AdapterBinding(adapter, to: input.base)
        otherWeights = try Self.failure(.adapterBaseMismatch) {
            try binding.requireSameOriginals(base: input.base.path)
        }
        notFinite = try Self.failure(.adapterNotFinite) { try adapter.requireFinite() }
        otherBase = adapter.baseContentID.flatMap { wanted in
            input.contentID.flatMap { $0 == wanted ? nil : wanted }
        }
        base = input.base.path
        architecture = input.selection.architecture?.summary
        self.adapter = AdapterReport(adapter)
        matched = binding.pairs.count
        unmatched = binding.unmatched.map(\.tensorName.text)
        mismatches = binding.mismatches.map { MismatchReport($0) }
        compatible = binding.isComplete && otherWeights == nil && otherBase == nil && notFinite == nil
    }

    /// The tensor at which a check fails with a code; nil when it passes.
    private static func failure(_ code: UD2MError.Code, _ check: () throws -> Void) throws -> String? {
        do {
            try check()
            return nil
        } catch let error as UD2MError where error.code == code {
            return error.location.tensor ?? ""
        }
    }

    /// The report as lines for a person.
    var text: String {
        var lines = adapter.headline
        lines.append("\(matched) of \(adapter.targets.count) tensors fit \(base.escapedForDisplay)")
        lines += mismatches.prefix(10).map { "  " + $0.text.escapedForDisplay }
        lines += unmatched.prefix(10).map { "  \($0.escapedForDisplay) is missing" }
        if let otherWeights {
            lines.append("  the adapter was trained on other weights: \(otherWeights.escapedForDisplay) differs")
        }
        if let otherBase { lines.append("  the bundle's base is another network, content \(otherBase)") }
        if let notFinite { lines.append("  \(notFinite.escapedForDisplay) has numbers that are not finite") }
        lines.append(compatible ? "compatible" : "not compatible")
        return lines.joined(separator: "\n")
    }
}
