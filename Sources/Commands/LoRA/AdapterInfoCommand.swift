import ArgumentParser
import UD2MConvert
import UD2MFormats
import UD2MLoRA

/// `ud2m-lora info`: what an adapter is.
struct AdapterInfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Describe an adapter: convention, ranks, scales, targets, and the published models it fits.",
        discussion: """
            Reads UD2M's training checkpoints, PEFT folders, diffusers and kohya files; of the kinds LoRA, rsLoRA, DoRA, \
            LoHa, LoKr and full differences. Other kinds are refused by name.
            """)

    @Argument(help: "The adapter: a file, or PEFT's folder.")
    var adapter: String

    @Flag(help: "List every target.")
    var targets = false

    @OptionGroup
    var flags: AdapterFlags

    @OptionGroup
    var reading: InputOptions

    @OptionGroup
    var reporting: OutputOptions

    func run() throws {
        let adapter = try flags.read(adapter, reading.input)
        let report = AdapterInfoReport(adapter)
        if reporting.json {
            try JSONOutput.print(report)
        } else {
            report.adapter.warn()
            try StandardOutput.print(report.text(listsTargets: targets))
        }
    }
}

/// The result of `ud2m-lora info` (`schemas/lora-info.schema.json`).
struct AdapterInfoReport: Encodable {
    /// A published model that has every tensor that the adapter changes, in the same shape.
    struct Model: Encodable {
        let name: String
        let family: String
    }

    let tool = "ud2m-lora"
    let version = Version.current
    let adapter: AdapterReport
    let fits: [Model]

    init(_ adapter: Adapter) {
        self.adapter = AdapterReport(adapter)
        fits = ArchitectureRegistry.publishedModels.filter { $0.fits(adapter) }.map {
            Model(name: $0.name, family: $0.family)
        }
    }

    /// The report as lines for a person.
    func text(listsTargets: Bool) -> String {
        var lines = adapter.headline
        if let base = adapter.baseName { lines.append("  made for \(base.escapedForDisplay), it says") }
        lines.append(
            fits.isEmpty
                ? "  fits none of the published models that are known here"
                : "  fits \(fits.map { "\($0.name) (\($0.family))" }.joined(separator: ", "))")
        for item in adapter.leftAside {
            lines.append("  \(item.tensors.count) tensors left aside: \(item.reason)")
        }
        guard listsTargets else { return lines.joined(separator: "\n") }
        return (lines + adapter.targetLines).joined(separator: "\n")
    }
}

extension PublishedModel {
    /// Whether the model has every tensor that the adapter changes.
    func fits(_ adapter: Adapter) -> Bool {
        let storage = ShapeOnly()
        let tensors = parameters.map { parameter in
            TensorSource(
                name: parameter.name, path: [parameter.name.text], elementType: .f32, shape: parameter.shape,
                strides: TensorSource.denseStrides(parameter.shape), elementOffset: 0, storage: storage)
        }
        let binding = try? AdapterBinding(adapter, to: AdapterBase(path: name, tensors: tensors))
        return binding?.isComplete ?? false
    }
}

/// The storage of tensors of which only the shape is known.
private final class ShapeOnly: TensorStorage {
    let key = "shape"
    let byteCount = 0
    let isBigEndian = false

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try body(UnsafeRawBufferPointer(start: nil, count: 0))
    }
}
