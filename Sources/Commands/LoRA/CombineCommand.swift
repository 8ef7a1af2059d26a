import ArgumentParser
import UD2MFormats
import UD2MLinearAlgebra
import UD2MLoRA

/// `ud2m-lora combine`: several adapters as one.
struct CombineCommand: ParsableCommand {
    /// The words of `--method`.
    enum Method: String, ExpressibleByArgument, CaseIterable {
        case sum
        case ties
        case dare
        case dareTies = "dare-ties"
        case prune
    }

    static let configuration = CommandConfiguration(
        commandName: "combine",
        abstract: "Put several adapters together into one.",
        discussion: """
            The sum is exact: the factors side by side, so that ranks add up; --rank, --energy or --error lowers them, with \
            the error stated. ties, dare, dare-ties and prune work on the elements of the changes and decompose the result, \
            at the ranks' sum unless told otherwise. Whole tensors that several adapters replace need --base.
            """)

    @Argument(help: "The adapters.")
    var adapters: [String]

    @Option(
        name: .customLong("weight"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Weight of an adapter; repeat it, one for each. All are 1 unless given.", valueName: "number"))
    var weights: [Double] = []

    @Option(help: "sum, ties, dare, dare-ties or prune.")
    var method: Method = .sum

    @Option(help: "Fraction of elements that ties, dare, dare-ties and prune keep.")
    var density = 0.5

    @Option(help: "Seed of dare's choice; the same seed gives the same bytes.")
    var seed: UInt64 = 0

    @OptionGroup
    var ranks: RankFlags

    @Option(help: "Convention of the result; the first adapter's unless given.")
    var to: AdapterConvention?

    @Option(help: "The network that the adapters belong to.")
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

    func validate() throws {
        guard adapters.count >= 2 else { throw ValidationError("Name two adapters or more.") }
        guard weights.isEmpty || weights.count == adapters.count else {
            throw ValidationError("Give --weight once for each of the \(adapters.count) adapters, or not at all.")
        }
        guard weights.allSatisfy(\.isFinite) else { throw ValidationError("--weight must be a finite number.") }
        guard density > 0, density <= 1 else { throw ValidationError("--density must be above 0 and at most 1.") }
        guard ranks.size == nil else { throw ValidationError("Use --rank, --energy or --error; resize knows --size.") }
    }

    func run() throws {
        let sources = try adapters.map { try flags.read($0, reading.input) }
        let convention = try result.convention(to, standard: sources.first?.convention ?? .kohya)
        let network = try base.map { try BaseInput($0, select: select, reading.input) }
        let items = sources.indices.map {
            AdapterCombination.Item(sources[$0], weight: weights.isEmpty ? 1 : weights[$0])
        }
        let computed = try AdapterCombination(
            items, method: combination, ranks: ranks.choice, convention: convention, base: network?.base
        ).adapter(path: adapters.joined(separator: " + "))
        var options = AdapterConversion.Options(convention: convention)
        options.dropsOthers = dropOthers
        options.isForChangedBase = changed.isForChangedBase
        let conversion = try AdapterConversion(computed.adapter, options: options, base: network?.base)
        let files = try result.write(conversion, inputs: adapters + [base].compactMap(\.self))
        try ComputedAdapterReport(
            "combine", inputs: adapters, computed: computed, conversion: conversion, convention: convention,
            files: files,
            dryRun: result.dryRun
        ).print(reporting)
    }

    private var combination: AdapterCombination.Method {
        switch method {
        case .sum: .sum
        case .ties: .merge(.ties(density: density), seed: seed)
        case .dare: .merge(.dare(density: density), seed: seed)
        case .dareTies: .merge(.dareTies(density: density), seed: seed)
        case .prune: .merge(.magnitudePrune(density: density), seed: seed)
        }
    }
}
