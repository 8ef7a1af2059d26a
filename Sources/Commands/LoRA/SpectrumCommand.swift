import ArgumentParser
import UD2MFormats
import UD2MImaging
import UD2MLinearAlgebra
import UD2MLoRA

/// `ud2m-lora svd`: the singular values of an adapter's changes.
struct SpectrumCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "svd",
        abstract: "Show the singular values of each change, and how much of it each rank holds.",
        discussion: """
            DoRA and whole tensors have none without their base and are listed as such. The picture of --plot has the \
            singular values on the left, a grid line a decade, and the energy that each rank holds on the right, with \
            grid lines at 0.5, 0.9 and 0.99; one line for each change.
            """)

    @Argument(help: "The adapter: a file, or PEFT's folder.")
    var adapter: String

    @Option(help: ArgumentHelp("Draw the values and the energy into a PNG file.", valueName: "png"))
    var plot: String?

    @Flag(help: "Replace an existing picture.")
    var force = false

    @OptionGroup
    var flags: AdapterFlags

    @OptionGroup
    var reading: InputOptions

    @OptionGroup
    var reporting: OutputOptions

    func run() throws {
        let output = try plot.map { try OutputSet([$0], overwrite: force, inputs: [adapter]) }
        if let plot, try OutputSet.imageFormat(of: plot) != .png {
            throw ValidationError("The picture is drawn as PNG; name it .png.")
        }
        let report = try SpectrumReport(flags.read(adapter, reading.input), plot: plot)
        if let plot, let output {
            let drawing = SpectrumPlot(report.layers)
            var options = ImageWriteOptions()
            options.text = [try ImageText(keyword: "Description", text: drawing.description)]
            try output.write([OutputSet.encode(drawing.image(), for: plot, options: options)])
        }
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
    /// The picture that was drawn; nil when none was asked for.
    let plot: String?

    init(_ adapter: Adapter, plot: String?) throws {
        self.plot = plot
        self.adapter = adapter.path
        // The cores are small: BLAS threads would only wait for each other.
        BLASThreads.set(1)
        var layers: [Layer] = []
        var without: [String] = []
        for target in adapter.targets {
            guard !target.change.isWhole, target.change.magnitude == nil else {
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
        var rest = without.isEmpty ? [] : ["\(without.count) tensors have no singular values without their base"]
        if let plot { rest.append("drew \(plot.escapedForDisplay)") }
        return ([adapter.escapedForDisplay] + table.lines + rest).joined(separator: "\n")
    }
}
