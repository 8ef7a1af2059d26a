import ArgumentParser
import UD2MFormats
import UD2MLoRA

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `ud2m restore`: posterior samples of clean images.
struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Restore degraded images with a diffusion prior.",
        usage: """
            ud2m restore <store> <image> ... --output <png or folder> [--operator <json> | --task <task> ...]
            ud2m restore --bundle <ud2w> <image> ... --output <png or folder>
            """,
        discussion: """
            Draws samples of the clean image from its posterior by N diffusion steps of K iterations each. The \
            operator comes from a file of ud2m degrade (--operator), from --task and its flags, or from a bundle. Images \
            may have any size; grey images are restored by a colour prior as colour and written as grey. Several images, \
            patterns and folders go into a folder; one that fails does not stop the others, and the exit code is then 3. \
            An image seen through several \
            operators is restored from all its observations, named in the operators' order. docs/restore.md has an \
            example of every option.
            """)

    @Argument(
        help: ArgumentHelp(
            "The prior, a .ud2w file (not with --bundle), then degraded images, PNG or JPEG: files, patterns, folders.",
            valueName: "store and images"))
    var paths: [String]

    @Option(name: .shortAndLong, help: ArgumentHelp("Where restored images go.", valueName: "png or folder"))
    var output: String

    @OptionGroup(title: "Prior")
    var prior: PriorOptions

    @Option(
        name: .customLong("operator"),
        help: ArgumentHelp(
            """
            Operator file of ud2m degrade, instead of --task and its flags. Several, or a file that is a stack, need as \
            many observations of one image, in this order.
            """, valueName: "json"))
    var operatorFiles: [String] = []

    @OptionGroup(title: "Operator")
    var operation: OperatorOptions

    @OptionGroup(title: "Sampler")
    var sampling: SamplingOptions

    @OptionGroup(title: "Noise")
    var noise: NoiseOptions

    @OptionGroup(title: "Samples")
    var posterior: PosteriorOptions

    @OptionGroup(title: "References")
    var comparing: ReferenceOptions

    @OptionGroup(title: "Several images")
    var batching: BatchOptions

    @Flag(
        name: .customLong("dry-run"),
        help: "Check everything, tell settings, evaluations, memory and time, and write nothing.")
    var dryRun = false

    @Flag(
        inversion: .prefixedNo, exclusivity: .exclusive,
        help: "With --dry-run, run and time one evaluation for each size, to tell the time that restoring will take.")
    var calibrate = true

    @Flag(name: .customLong("equivariant"), help: .hidden)
    var equivariant = false

    @Flag(name: .customLong("init_prev"), help: .hidden)
    var startsFromPrevious = false

    @OptionGroup
    var compute: ComputeOptions

    @Flag(help: "Replace existing outputs.")
    var force = false

    @OptionGroup
    var reporting: OutputOptions

    func validate() throws {
        if !operatorFiles.isEmpty {
            guard operation.task == nil else {
                throw ValidationError("Give --operator FILE, or --task and its flags, not both.")
            }
            try FlagRule.check(operation.rules(nil))
        }
        if !calibrate, !dryRun { throw ValidationError("--no-calibrate belongs to --dry-run. Leave it out.") }
        if operatorFiles.isEmpty, operation.task == nil, prior.bundle == nil {
            throw ValidationError("Say what was done to the image: --operator FILE, or --task and its flags.")
        }
        if storeAndImages.images.isEmpty {
            throw ValidationError(
                prior.bundle == nil ? "Name the prior and the image." : "Name the image to restore.")
        }
        if equivariant {
            throw ValidationError("--equivariant is of training and its averages; here, use --samples for a mean.")
        }
        if startsFromPrevious {
            throw ValidationError("--init_prev is what --flavour exact --warm-start plain does; leave it out.")
        }
        if comparing.lpips != nil, comparing.reference == nil {
            throw ValidationError("LPIPS needs a clean image: --reference.")
        }
        if posterior.coverage != nil, comparing.reference == nil {
            throw ValidationError("--coverage needs the clean image: --reference.")
        }
    }

    func run() throws {
        let progress = reporting.makeProgress()
        let batch = try RestoreRun(command: self).execute(progress: progress)
        progress.finish()
        if batch.isSingle, let report = batch.reports.first {
            if reporting.json {
                try JSONOutput.print(report)
            } else if let text = reporting.quiet ? report.resultText : report.text {
                try StandardOutput.print(text)
            }
            return
        }
        let summary = RestoreSummary(batch)
        if reporting.json {
            try JSONOutput.print(summary)
        } else {
            try batch.printText { reporting.quiet ? $0.resultText ?? "" : $0.text }
            if let text = summary.text { try StandardOutput.print(text) }
        }
        try batch.requireSuccess { _ in ExitCodes.success }
    }

    /// The prior, which comes first unless there is a bundle, and the images.
    var storeAndImages: (store: String?, images: [String]) {
        prior.bundle == nil ? (paths.first, Array(paths.dropFirst())) : (nil, paths)
    }

    /// The operator of the flags, or else of a bundle; nil when neither says it.
    /// - Throws: ``UD2MFormats/UD2MError`` for an operator file that cannot be read.
    func factory(bundle: TaskBundle?) throws -> OperatorFactory? {
        if !operatorFiles.isEmpty { return try OperatorFactory(files: operatorFiles) }
        guard let bundle else {
            // What a bundle says goes into the operator, once that is read.
            guard prior.bundle == nil, let task = operation.task else { return nil }
            return OperatorFactory(operation.specification(task: task))
        }
        let settings = bundle.manifest.settings
        guard let form = settings.forwardOperator else {
            let task = operation.task ?? RestorationTask(argument: settings.task)
            guard let task else { return nil }
            var specification = OperatorSpecification(task: task, sigma: settings.sigma ?? 0.025)
            specification = try operation.specification(over: specification, fills: true)
            return OperatorFactory(specification)
        }
        var specification = try BundleOperator.specification(form, at: bundle.path)
        // A mask belongs to an image, and a stranger's bundle may name any file.
        specification.mask = nil
        specification.sigma = settings.sigma ?? specification.sigma
        if let task = operation.task, task != specification.task {
            specification = OperatorSpecification(task: task, sigma: specification.sigma)
            return OperatorFactory(try operation.specification(over: specification, fills: true))
        }
        return OperatorFactory(try operation.specification(over: specification))
    }

    /// SHA-256 of everything that results depend on besides the image and the weights.
    /// - Throws: ``UD2MFormats/UD2MError`` for a file that cannot be read.
    func digest(of factory: OperatorFactory, on target: ComputeTarget) throws -> String {
        let files = factory.files + [sampling.ram, noise.tape].compactMap(\.self) + prior.adapters.map(\.path)
        var text = String(decoding: try JSONOutput.encode(factory.specification), as: UTF8.self)
        text += String(describing: sampling) + String(describing: noise) + String(describing: posterior)
        text += "\(String(describing: prior.classLabel)) \(String(describing: prior.tile)) "
        text += "\(String(describing: prior.tileOverlap)) \(prior.adapters) \(target.arithmetic)"
        for file in files { text += try RestoreLedger.digest(of: file) }
        return try Array(text.utf8).withUnsafeBytes { try SHA256.hash($0) }
    }
}

/// What results are measured against.
struct ReferenceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The clean image, or a folder with one of each name, to measure results against.",
            valueName: "png or folder"))
    var reference: String?

    @Option(help: ArgumentHelp("The network of LPIPS, to measure that as well.", valueName: "ud2w"))
    var lpips: String?

    @Option(help: ArgumentHelp("Write a line of numbers for each image.", valueName: "csv"))
    var csv: String?
}

/// How several images are gone through.
struct BatchOptions: ParsableArguments {
    @Flag(help: "Look into folders inside folders; outputs lie in folders of the same names.")
    var recursive = false

    @Option(
        name: .customLong("name"),
        help: ArgumentHelp(
            "Names of restored images in a folder, with {name} for the image's; {name}.png by default.",
            valueName: "template"))
    var template: String?

    @Flag(
        help: """
            Keep a ledger in the folder of outputs, and leave out images that are done: run the same command again to go \
            on, after an interruption too.
            """)
    var resume = false

    @Option(
        help: ArgumentHelp(
            """
            Restore every N-th image from the K-th on, K from 0 to N − 1; other machines take the others. auto takes K and N \
            from UD2M_SHARD or the job arrays of Slurm, Kubernetes, PBS, LSF and AWS Batch.
            """, valueName: "K/N or auto"),
        transform: RestoreShard.argument)
    var shard: RestoreShard?

    func validate() throws {
        if let template, !template.contains("{name}") || template.contains("/") {
            throw ValidationError("--name needs {name} in it, and no slash.")
        }
    }

    /// The part that this run does.
    var part: RestoreShard { shard ?? .whole }
}
