import ArgumentParser
import UD2MFormats
import UD2MLoRA

/// `ud2m-lora convert`: an adapter in another convention.
struct AdapterConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Rewrite an adapter in another convention: UD2M, PEFT, diffusers or kohya.",
        discussion: """
            The numbers stay as they are; names, shapes and alphas change. PEFT's result is a folder, the others are one \
            safetensors file. Names that kohya stores without their dots need --base, unless ud2m-lora wrote the file. \
            Without --base, factors keep the dimensions they have.
            """)

    @Argument(help: "The adapter: a file, or PEFT's folder.")
    var adapter: String

    @Option(name: .shortAndLong, help: "Where to: a .safetensors file, or a folder for PEFT.")
    var output: String?

    @Option(help: "Convention of the result: ud2m, peft, diffusers or kohya.")
    var to: AdapterConvention

    @Option(help: "The network that the adapter belongs to.")
    var base: String?

    @Option(help: ArgumentHelp("State dict of the network; the one that stands out unless given.", valueName: "path"))
    var select: String?

    @Flag(
        name: .customLong("fold-scale"),
        help: "Multiply a scale that the convention fixes into the factors, which rounds them.")
    var foldScale = false

    @Flag(name: .customLong("drop-others"), help: "Leave out and list changes that the convention cannot hold.")
    var dropOthers = false

    @OptionGroup
    var flags: AdapterFlags

    @Flag(name: .customLong("dry-run"), help: "Check everything, show what would be written, and write nothing.")
    var dryRun = false

    @Flag(help: "Replace an existing output.")
    var force = false

    @OptionGroup
    var reading: InputOptions

    @OptionGroup
    var reporting: OutputOptions

    func validate() throws {
        guard dryRun || output != nil else { throw ValidationError("Name the output with -o, or pass --dry-run.") }
        guard let output else { return }
        if to == .peft {
            guard !output.hasSuffix(".safetensors") else {
                throw ValidationError("PEFT's form is a folder; name one.")
            }
        } else if !output.hasSuffix(".safetensors") {
            throw ValidationError("Name the output .safetensors.")
        }
    }

    func run() throws {
        let source = try flags.read(adapter, reading.input)
        let network = try base.map { try BaseInput($0, select: select, reading.input) }
        var options = AdapterConversion.Options(convention: to)
        options.foldsScale = foldScale
        options.dropsOthers = dropOthers
        let conversion = try AdapterConversion(source, options: options, base: network?.base)
        try source.requireFinite()
        let files = try write(conversion, inputs: [adapter] + [base].compactMap(\.self))
        let report = AdapterConvertReport(
            adapter: AdapterReport(source), convention: to.rawValue,
            targets: conversion.targets.map(\.tensorName.text),
            leftOut: conversion.leftOut.map { .init(tensor: $0.target.tensorName.text, reason: $0.reason) },
            notes: conversion.notes, files: files, dryRun: dryRun, written: !dryRun)
        if reporting.json { return try JSONOutput.print(report) }
        report.adapter.warn()
        for note in report.notes { StandardError.print("warning: \(note)") }
        if !reporting.quiet { try StandardOutput.print(report.text) }
    }

    /// Writes the files, which appear together; with `--dry-run` only their sizes are computed.
    private func write(_ conversion: AdapterConversion, inputs: [String]) throws -> [AdapterConvertReport.File] {
        let folder = output.map { $0.hasSuffix("/") ? $0 : $0 + "/" } ?? ""
        let tensorPath = to == .peft ? folder + "adapter_model.safetensors" : output ?? ""
        let text = try conversion.configuration.map { Array((try $0.canonicalText() + "\n").utf8) }
        let configurationPath = folder + "adapter_config.json"
        var files = [
            AdapterConvertReport.File(
                path: tensorPath,
                bytes: try SafetensorsFile.plannedSize(tensors: conversion.tensors, metadata: conversion.metadata))
        ]
        if let text { files.append(.init(path: configurationPath, bytes: text.count)) }
        guard !dryRun else { return files }
        let made = to == .peft ? try OutputFolder(of: tensorPath) : nil
        let tensors = try SafetensorsFile.prepare(
            to: tensorPath, tensors: conversion.tensors, metadata: conversion.metadata, overwrite: force, inputs: inputs
        ) { _, _ in }
        if let text {
            let configuration = try AtomicFile(
                path: configurationPath, byteCount: text.count, overwrite: force, inputs: inputs)
            try text.withUnsafeBytes { try configuration.write($0, at: 0) }
            try configuration.commit()
        }
        try tensors.commit()
        made?.keep()
        return files
    }
}

/// The result of `ud2m-lora convert` (`schemas/lora-convert.schema.json`).
struct AdapterConvertReport: Encodable {
    /// A change that the convention cannot hold.
    struct LeftOut: Encodable {
        let tensor: String
        let reason: String
    }

    struct File: Encodable {
        let path: String
        let bytes: Int
    }

    let tool = "ud2m-lora"
    let version = Version.current
    /// The adapter as it was.
    let adapter: AdapterReport
    /// The convention of the result.
    let convention: String
    /// The tensors that the result changes.
    let targets: [String]
    let leftOut: [LeftOut]
    let notes: [String]
    let files: [File]
    let dryRun: Bool
    let written: Bool

    /// The report as lines for a person.
    var text: String {
        var lines = adapter.headline
        for item in leftOut.prefix(10) { lines.append("  left out: \(item.tensor.escapedForDisplay). \(item.reason)") }
        if leftOut.count > 10 { lines.append("  and \(leftOut.count - 10) more; --json lists them") }
        lines += files.filter { !$0.path.isEmpty }.map {
            "\(written ? "wrote" : "would write") \($0.path.escapedForDisplay), \(ByteText.size($0.bytes)), as \(convention)"
        }
        return lines.joined(separator: "\n")
    }
}
