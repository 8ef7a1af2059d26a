import ArgumentParser
import UD2MFormats
import UD2MLoRA

extension BundleSettings.Schedule: ExpressibleByArgument {}
extension BundleSettings.Flavour: ExpressibleByArgument {}

/// What a bundle says of the sampler: a settings file, and flags that go before it.
struct BundleSettingsFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Settings of the sampler, as bundle extract --settings writes them; flags go before them.",
            valueName: "json"))
    var settings: String?

    @Option(help: "A word to call the bundle by; from the file's name unless given.")
    var name: String?

    @Option(help: "What the bundle does, in a line.")
    var title: String?

    @Option(help: "The task: deblur, inpaint, sr, or another word; from the file's name unless given.")
    var task: String?

    @Option(
        name: .customLong("operator"),
        help: ArgumentHelp(
            "The operator: a file of ud2m degrade, or the word of UD2M's runs, such as gaussian, bicubic, random.",
            valueName: "file|name"))
    var forwardOperator: String?

    @Option(help: "Standard deviation of the observation's noise, in units of the image range [0, 1].")
    var sigma: Double?

    @Option(help: "N, the steps of the outer loop. (default: 3)")
    var steps: Int?

    @Option(help: "K, the iterations of each step. (default: 3)")
    var iterations: Int?

    @Option(help: "The noise schedule: linear or cosine. (default: linear)")
    var schedule: BundleSettings.Schedule?

    @Option(
        help: """
            Whose unfolded step: reference, as the published code has it, or exact. (default: reference for UD2M's \
            checkpoints)
            """)
    var flavour: BundleSettings.Flavour?

    @Option(help: "η of the DDIM step, 0 to 1. (default: 0.8)")
    var eta: Double?

    @Flag(
        name: .customLong("uses-ram"), inversion: .prefixedNo,
        help: "Whether each step starts from a RAM network; unless given, if the checkpoint or its folder say so.")
    var usesRAM: Bool?

    func validate() throws {
        if let sigma, !OperatorSpecification.sigmaRange.contains(sigma) {
            throw ValidationError("--sigma must be between 1e-9 and 1.")
        }
        for (flag, value) in [("--steps", steps), ("--iterations", iterations)] {
            if let value, !(1...1000).contains(value) { throw ValidationError("\(flag) must be 1…1000.") }
        }
        if let eta, !(0...1).contains(eta) { throw ValidationError("--eta must be 0…1.") }
    }

    /// What the flags say, before the settings file.
    /// - Parameter guess: What the checkpoint and its name tell, for all that nobody says.
    /// - Returns: Everything that is said, and what a person should know.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `bundle-settings` or `operator-file`, or what reading a file throws.
    func draft(over guess: BundleSettings.Draft) throws -> (draft: BundleSettings.Draft, notes: [String]) {
        var said = BundleSettings.Draft()
        said.name = name
        said.title = title
        said.task = task.map { RestorationTask(argument: $0)?.rawValue ?? $0 }
        said.sigma = sigma
        said.steps = steps
        said.iterations = iterations
        said.schedule = schedule
        said.flavour = flavour
        said.eta = eta
        said.usesRAM = usesRAM
        var draft = try said.over(settings.map { try BundleSettings.Draft(path: $0) } ?? .init()).over(guess)
        var notes: [String] = []
        let place = forwardOperator ?? settings ?? ""
        if let argument = forwardOperator {
            let found = try BundleOperator.named(argument, task: draft.task)
            draft.forwardOperator = found.form
            draft.operatorName = found.name ?? draft.operatorName
            draft.sigma = sigma ?? found.sigma ?? draft.sigma
            notes = found.notes
        } else if draft.forwardOperator == nil, let word = draft.operatorName {
            let found = BundleOperator(name: word, task: draft.task)
            draft.forwardOperator = found.form
            notes = found.notes
        }
        guard let form = draft.forwardOperator else { return (draft, notes) }
        let specification = try BundleOperator.specification(form, at: place)
        draft.task = draft.task ?? specification.task.rawValue
        guard draft.task == specification.task.rawValue else {
            throw UD2MError(
                .bundleSettings,
                "The operator is one of \(specification.task.rawValue), and the task is \(draft.task ?? "").",
                at: .init(file: place), remedy: "Pass --operator with one of the task, or another --task.")
        }
        return (draft, notes)
    }
}
