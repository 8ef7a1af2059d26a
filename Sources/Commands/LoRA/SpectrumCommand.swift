import ArgumentParser
import UD2MFormats
import UD2MLinearAlgebra
import UD2MLoRA

/// `ud2m-lora svd`: the singular values of an adapter's changes.
struct SpectrumCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "svd",
        abstract: "Show the singular values of each change, and how much of it each rank holds.",
        discussion: "DoRA and whole tensors have none without their base and are listed as such.")

    @Argument(help: "The adapter: a file, or PEFT's folder.")
    var adapter: String

    @OptionGroup
    var flags: AdapterFlags

    @OptionGroup
    var reading: InputOptions

    @OptionGroup
    var reporting: OutputOptions

    func run() throws {
        let report = try SpectrumReport(flags.read(adapter, reading.input))
        if reporting.json { return try JSONOutput.print(report) }
        try StandardOutput.print(report.text)
    }
}

/// The result of `ud2m-lora svd` (`schemas/lora-svd.schema.json`).
struct SpectrumReport: Encodable {
    /// The singular values of one change.
    struct Layer: Encodable {
        let tensor: String
        let kind: String
        let rank: Int?
        let norm: Double
        /// Singular values in descending order.
        let values: [Double]
        /// Fractions of the energy that ranks 0, 1, 2, … hold.
        let energy: [Double]
    }

    let tool = "ud2m-lora"
    let version = Version.current
    let adapter: String
    let layers: [Layer]
    /// Tensors whose change has no singular values without the base.
    let without: [String]

    init(_ adapter: Adapter) throws {
        self.adapter = adapter.path
        var layers: [Layer] = []
        var without: [String] = []
        for target in adapter.targets {
            guard !target.change.isWhole, target.change.kind != "dora" else {
                without.append(target.tensorName.text)
                continue
            }
            let spectrum = try target.change.spectrum()
            layers.append(
                Layer(
                    tensor: target.tensorName.text, kind: target.change.kind, rank: target.change.rank,
                    norm: spectrum.norm, values: spectrum.values, energy: spectrum.energyCurve))
        }
        self.layers = layers
        self.without = without
    }

    /// The report as lines for a person.
    var text: String {
        var table = TextTable([.left, .right, .right, .right, .right, .right])
        table.add("tensor", "rank", "norm", "90 %", "99 %", "largest values")
        for layer in layers {
            func holding(_ share: Double) -> String {
                String(layer.energy.firstIndex { $0 >= share } ?? layer.values.count)
            }
            table.add(
                layer.tensor.escapedForDisplay, layer.rank.map(String.init) ?? "-", ReportNumber(layer.norm).text,
                holding(0.9), holding(0.99),
                layer.values.prefix(4).map { ReportNumber($0).text }.joined(separator: " "))
        }
        let rest = without.isEmpty ? [] : ["\(without.count) tensors have no singular values without their base"]
        return ([adapter.escapedForDisplay] + table.lines + rest).joined(separator: "\n")
    }
}
