import UD2MFormats
import UD2MLoRA

/// The result of `ud2m-lora extract`, `resize` and `combine` (`schemas/lora-computed.schema.json`).
struct ComputedAdapterReport: Encodable {
    /// What the change of one tensor became.
    struct Layer: Encodable {
        let tensor: String
        let kind: String
        /// 0 where nothing is left; nil for whole tensors.
        let rank: Int?
        let norm: Double
        let error: Double
        let relativeError: Double

        init(_ layer: LayerError) {
            tensor = layer.tensor.text
            kind = layer.kind
            rank = layer.rank
            norm = layer.norm
            error = layer.error
            relativeError = layer.relativeError
        }
    }

    let tool = "ud2m-lora"
    let version = Version.current
    let operation: String
    let inputs: [String]
    let convention: String
    let parameters: AdapterReport.Parameters
    let layers: [Layer]
    /// The relative error of all changes together.
    let relativeError: Double
    /// The tensor with the largest relative error; nil where all are 0.
    let worst: String?
    /// How many tensors are the same in both networks; nil unless extracted.
    let unchanged: Int?
    /// Tensors that differ and that no adapter can hold, which were left out.
    let unexplained: [String]
    let leftOut: [AdapterLeftOut]
    let notes: [String]
    let files: [AdapterFileReport]
    let dryRun: Bool
    let written: Bool

    init(
        _ operation: String, inputs: [String], computed: ComputedAdapter, conversion: AdapterConversion,
        convention: AdapterConvention, unchanged: Int? = nil, unexplained: [TensorName] = [],
        files: [AdapterFileReport],
        dryRun: Bool
    ) {
        self.operation = operation
        self.inputs = inputs
        self.convention = convention.rawValue
        parameters = .init(
            factors: computed.adapter.factorParameterCount, whole: computed.adapter.wholeParameterCount)
        layers = computed.layers.map { Layer($0) }
        relativeError = computed.layers.totalRelativeError
        worst = layers.filter { $0.relativeError > 0 }.max { $0.relativeError < $1.relativeError }?.tensor
        self.unchanged = unchanged
        self.unexplained = unexplained.map(\.text)
        leftOut = conversion.leftOutReports
        notes = computed.adapter.notes + conversion.notes
        self.files = files
        self.dryRun = dryRun
        written = !dryRun
    }

    /// The report as lines for a person.
    var text: String {
        let ranks = Set(layers.compactMap(\.rank)).sorted()
        let range =
            ranks.isEmpty ? "none" : ranks.count == 1 ? "\(ranks[0])" : "\(ranks[0]) to \(ranks[ranks.count - 1])"
        var lines = [
            "\(layers.count) tensors: \(layers.count { $0.rank != nil }) in factors, rank \(range), "
                + "\(layers.count { $0.rank == nil }) whole",
            "\(ByteText.grouped(parameters.factors)) parameters in factors, \(ByteText.grouped(parameters.whole)) in whole "
                + "tensors",
            "relative error \(ReportNumber(relativeError).text)"
                + (worst.map { name in
                    let error = layers.first { $0.tensor == name }?.relativeError ?? 0
                    return ", worst \(ReportNumber(error).text) in \(name.escapedForDisplay)"
                } ?? ""),
        ]
        if let unchanged { lines.append("\(unchanged) tensors are the same in both networks") }
        for name in unexplained.prefix(10) {
            lines.append("  left out: \(name.escapedForDisplay), which no adapter holds")
        }
        for item in leftOut.prefix(10) { lines.append("  left out: \(item.tensor.escapedForDisplay). \(item.reason)") }
        return (lines + files.lines(written: written, convention: convention)).joined(separator: "\n")
    }

    /// Prints the report as asked for.
    func print(_ reporting: OutputOptions) throws {
        if reporting.json { return try JSONOutput.print(self) }
        for note in notes { StandardError.print("warning: \(note.escapedForDisplay)") }
        if !reporting.quiet { try StandardOutput.print(text) }
    }
}
