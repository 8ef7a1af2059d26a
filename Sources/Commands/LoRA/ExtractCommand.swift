import ArgumentParser
import UD2MConvert
import UD2MFormats
import UD2MLoRA

/// `ud2m-lora extract`: the difference of two networks as an adapter.
struct ExtractCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract",
        abstract: "Make an adapter of the difference between a network and a tuned version of it.",
        discussion: """
            Linear layers and convolutions of any kernel become factors, from a randomised singular value decomposition; \
            norms, biases and layers that factors would make larger are kept whole. Nothing is clamped or dropped, and the \
            error of every layer is stated.
            """)

    @Argument(help: "The network before.")
    var base: String

    @Argument(help: "The network after.")
    var tuned: String

    @OptionGroup
    var ranks: RankFlags

    @Option(
        help: "Convention of the result: ud2m, peft, diffusers or kohya; by default PEFT's in a folder, else kohya's.")
    var to: AdapterConvention?

    @Option(help: ArgumentHelp("State dict of both networks; the one that stands out unless given.", valueName: "path"))
    var select: String?

    @Option(
        help: ArgumentHelp(
            "Keep tensors whole whose name matches, such as 'out.*'; may be repeated.", valueName: "glob"))
    var whole: [String] = []

    @Option(help: "Seed of the random vectors; the same seed gives the same bytes.")
    var seed: UInt64 = 0

    @Flag(
        name: .customLong("drop-others"),
        help: "Leave out and list differences that no adapter, or not this convention, can hold.")
    var dropOthers = false

    @OptionGroup
    var result: AdapterOutputFlags

    @OptionGroup
    var reading: InputOptions

    @OptionGroup
    var reporting: OutputOptions

    func run() throws {
        let policy = try ranks.required()
        let convention = try result.convention(to, standard: .kohya)
        let before = try BaseInput(base, select: select, reading.input)
        let after = try BaseInput(tuned, select: select, reading.input)
        let sink = reporting.makeProgress()
        var options = AdapterExtraction.Options(policy: policy, convention: convention)
        options.seed = seed
        if let maximum = ranks.maximumRank { options.maximumRank = maximum }
        let patterns = whole.map { GlobPattern($0) }
        for (text, pattern) in zip(whole, patterns) {
            guard !before.selection.tensors.contains(where: { pattern.matches($0.name.bytes) }) else { continue }
            throw UD2MError(
                .usage, "--whole '\(text.escapedForDisplay)' matches no tensor of the network.", at: .init(file: base),
                remedy: "See their names: ud2m-convert ls.")
        }
        options.keepsWhole = { name in patterns.contains { $0.matches(name.bytes) } }
        let counter = SharedProgress(sink, total: before.selection.tensors.totalByteCount, label: "extracting")
        options.progress = { counter.add($0) }
        let extraction = try AdapterExtraction(
            base: before.selection.tensors, tuned: after.selection.tensors, basePath: base, tunedPath: tuned,
            options: options)
        guard extraction.unexplained.isEmpty || dropOthers else {
            throw UD2MError(
                .adapterNotExpressible,
                "\(extraction.unexplained.count) tensors are in one network only, or differ and are no floating-point numbers.",
                at: .init(file: tuned, tensor: extraction.unexplained.first?.text),
                remedy: "Pass --drop-others to leave them out, which are then listed.")
        }
        let computed = try extraction.adapter(path: tuned)
        sink.finish()
        guard !computed.adapter.targets.isEmpty else {
            throw UD2MError(
                .adapterMissing, "The networks do not differ: there is nothing to extract.", at: .init(file: tuned))
        }
        var writing = AdapterConversion.Options(convention: convention)
        writing.dropsOthers = dropOthers
        let conversion = try AdapterConversion(computed.adapter, options: writing, base: before.base)
        let files = try result.write(conversion, inputs: [base, tuned])
        try ComputedAdapterReport(
            "extract", inputs: [base, tuned], computed: computed, conversion: conversion, convention: convention,
            unchanged: extraction.unchanged.count, unexplained: extraction.unexplained, files: files,
            dryRun: result.dryRun
        ).print(reporting)
    }
}
