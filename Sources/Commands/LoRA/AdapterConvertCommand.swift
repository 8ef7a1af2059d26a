import ArgumentParser
import UD2MFormats
import UD2MLinearAlgebra
import UD2MLoRA

/// `ud2m-lora convert`: an adapter in another convention.
struct AdapterConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Rewrite an adapter in another convention: UD2M, PEFT, diffusers or kohya.",
        discussion: """
            The numbers stay as they are; names, shapes and alphas change. PEFT's result is a folder, the others are one \
            safetensors file. Names that kohya stores without their dots need --base, unless ud2m-lora wrote the file. \
            Without --base, factors keep the dimensions they have, and whole tensors stay differences or replacements; \
            with it they become what the convention holds. LoHa, LoKr and DoRA have no place in conventions of plain \
            factors: with --rank, --energy or --error they become the nearest ones, with the error stated.
            """)

    @Argument(help: "The adapter: a file, or PEFT's folder.")
    var adapter: String

    @Option(help: "Convention of the result: ud2m, peft, diffusers or kohya.")
    var to: AdapterConvention

    @Option(help: "The network that the adapter belongs to.")
    var base: String?

    @Option(help: ArgumentHelp("State dict of the network; the one that stands out unless given.", valueName: "path"))
    var select: String?

    @OptionGroup
    var ranks: RankFlags

    @Flag(
        name: .customLong("fold-scale"),
        help: "Multiply a scale that the convention fixes into the factors, which rounds them.")
    var foldScale = false

    @Flag(name: .customLong("drop-others"), help: "Leave out and list changes that the convention cannot hold.")
    var dropOthers = false

    @OptionGroup
    var flags: AdapterFlags

    @OptionGroup
    var changed: ChangedBaseFlags

    @OptionGroup
    var result: AdapterOutputFlags

    @OptionGroup
    var reading: InputOptions

    @OptionGroup
    var reporting: OutputOptions

    func validate() throws {
        guard ranks.size == nil else { throw ValidationError("Use --rank, --energy or --error; resize knows --size.") }
    }

    func run() throws {
        _ = try result.convention(to, standard: to)
        let source = try flags.read(adapter, reading.input)
        let network = try base.map { try BaseInput($0, select: select, reading.input) }
        var options = AdapterConversion.Options(convention: to)
        options.foldsScale = foldScale
        options.dropsOthers = dropOthers
        options.isForChangedBase = changed.isForChangedBase
        options.approximation = ranks.choice
        try ranks.choice?.validate()
        // Before anything is computed from the factors.
        try source.requireFinite()
        let conversion = try AdapterConversion(source, options: options, base: network?.base)
        let files = try result.write(conversion, inputs: [adapter] + [base].compactMap(\.self))
        let report = AdapterConvertReport(
            adapter: AdapterReport(source), convention: to.rawValue,
            targets: conversion.targets.map(\.tensorName.text),
            approximated: conversion.approximated.map { .init($0) }, leftOut: conversion.leftOutReports,
            notes: conversion.notes, files: files, dryRun: result.dryRun,
            written: !result.dryRun)
        if reporting.json { return try JSONOutput.print(report) }
        report.adapter.warn()
        for note in report.notes { StandardError.print("warning: \(note)") }
        if !reporting.quiet { try StandardOutput.print(report.text) }
    }
}

/// The result of `ud2m-lora convert` (`schemas/lora-convert.schema.json`).
struct AdapterConvertReport: Encodable {
    let tool = "ud2m-lora"
    let version = Version.current
    /// The adapter as it was.
    let adapter: AdapterReport
    /// The convention of the result.
    let convention: String
    /// The tensors that the result changes.
    let targets: [String]
    /// Changes that plain factors only come near to.
    let approximated: [ComputedAdapterReport.Layer]
    let leftOut: [AdapterLeftOut]
    let notes: [String]
    let files: [AdapterFileReport]
    let dryRun: Bool
    let written: Bool

    /// The report as lines for a person.
    var text: String {
        var lines = adapter.headline
        for item in approximated.prefix(10) {
            lines.append(
                "  near: \(item.tensor.escapedForDisplay), rank \(item.rank ?? 0), relative error "
                    + ReportNumber(item.relativeError).text)
        }
        if approximated.count > 10 { lines.append("  and \(approximated.count - 10) more; --json lists them") }
        for item in leftOut.prefix(10) { lines.append("  left out: \(item.tensor.escapedForDisplay). \(item.reason)") }
        if leftOut.count > 10 { lines.append("  and \(leftOut.count - 10) more; --json lists them") }
        lines += files.lines(written: written, convention: convention)
        return lines.joined(separator: "\n")
    }
}
