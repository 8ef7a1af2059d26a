import ArgumentParser
import UD2MFormats
import UD2MLoRA

/// `ud2m-lora resize`: an adapter at other ranks.
struct ResizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resize",
        abstract: "Give an adapter other ranks: the best approximation of each change, with its error.",
        discussion: """
            QR of the factors and the singular values of the small core between them; the change itself is never formed. \
            LoHa and LoKr become LoRA this way. Whole tensors stay as they are.
            """)

    @Argument(help: "The adapter: a file, or PEFT's folder.")
    var adapter: String

    @OptionGroup
    var ranks: RankFlags

    @Option(help: "Convention of the result; the adapter's own unless given.")
    var to: AdapterConvention?

    @Option(help: "The network that the adapter belongs to; as for convert.")
    var base: String?

    @Option(help: ArgumentHelp("State dict of the network; the one that stands out unless given.", valueName: "path"))
    var select: String?

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

    func run() throws {
        let policy = try ranks.required()
        let source = try flags.read(adapter, reading.input)
        let convention = try result.convention(to, standard: source.convention)
        let network = try base.map { try BaseInput($0, select: select, reading.input) }
        let computed = try source.resized(to: policy, convention: convention)
        var options = AdapterConversion.Options(convention: convention)
        options.dropsOthers = dropOthers
        options.isForChangedBase = changed.isForChangedBase
        let conversion = try AdapterConversion(computed.adapter, options: options, base: network?.base)
        let files = try result.write(conversion, inputs: [adapter] + [base].compactMap(\.self))
        try ComputedAdapterReport(
            "resize", inputs: [adapter], computed: computed, conversion: conversion, convention: convention,
            files: files,
            dryRun: result.dryRun
        ).print(reporting)
    }
}
