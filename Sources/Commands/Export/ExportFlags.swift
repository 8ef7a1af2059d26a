import ArgumentParser
import UD2MConvert
import UD2MFormats

extension Exporter.Format: ExpressibleByArgument {}

/// Flags of every command that writes a state dict in some format.
struct ExportFlags: ParsableArguments {
    @Option(help: "safetensors, sharded, pt, npz or ud2w; by default what the output's suffix says.")
    var format: Exporter.Format?

    @Option(
        name: .customLong("max-shard-size"),
        help: ArgumentHelp(
            "Write several safetensors files of at most this size, such as 2GB, and an index; a new folder is created.",
            valueName: "size"),
        transform: ByteSize.parse)
    var maxShardSize: ByteSize?

    @Flag(name: .customLong("no-alias"), help: "Write tied tensors once for each name.")
    var noAlias = false

    @Flag(help: "Write quantised tensors as the numbers of torch.dequantize, F32 unless --dtype says otherwise.")
    var dequantise = false

    @Flag(help: "Write sparse tensors whole.")
    var densify = false

    @Option(help: ArgumentHelp("State dict to write; the one that stands out unless given.", valueName: "path"))
    var select: String?

    @Flag(name: .customLong("keep-prefix"), help: "Write names as they are in the file, wrappers' prefixes included.")
    var keepPrefix = false

    @OptionGroup
    var names: NameFilterFlags

    @OptionGroup
    var cast: CastFlags

    @OptionGroup
    var reading: InputOptions

    @Flag(name: .customLong("dry-run"), help: "Show what would be written, and write nothing.")
    var dryRun = false

    @Flag(help: "Replace existing outputs; an earlier set of shards goes as a whole, also those the new set lacks.")
    var force = false

    /// Writes and reports; of the paths the last is the output.
    func run(_ paths: [String], reporting: OutputOptions) throws {
        let arguments = try InputsAndOutput(paths, requiresOutput: true)
        var options = Exporter.Options(format: try resolvedFormat(arguments))
        options.cast = try cast.makeRules()
        options.separatesAliases = noAlias
        options.dequantises = dequantise
        options.densifies = densify
        if let maxShardSize { options.shardBytes = maxShardSize.bytes }
        let progress = reporting.makeProgress()
        let (outputs, folder) = try arguments.outputs(suffix: options.format.suffix, create: !dryRun)
        let batch = try Batch(arguments.inputs) { input in
            let done = try ExportRun(
                input: input, output: outputs[input] ?? "", select: select, keepsPrefix: keepPrefix,
                filter: names.filter, options: options, dryRun: dryRun, overwrite: force, opening: reading.input
            ).execute(progress: progress)
            if done.report.written { folder?.keep() }
            return done
        }
        progress.finish()
        for item in batch.reports {
            item.report.losses.warn()
            item.report.warnOfTypes()
        }
        if reporting.json {
            try batch.printJSON()
        } else {
            try batch.printText { reporting.quiet ? "" : $0.report.text }
            for item in batch.reports {
                item.warn(quiet: reporting.quiet)
                if !reporting.quiet { item.report.noteSparseParts() }
            }
        }
        try batch.requireSuccess { $0.exitCode }
    }

    private func resolvedFormat(_ arguments: InputsAndOutput) throws -> Exporter.Format {
        let output = arguments.output ?? ""
        if arguments.goesIntoFolder, format == nil, maxShardSize == nil {
            throw ValidationError("A folder of outputs names no format; pass --format.")
        }
        if let format {
            guard maxShardSize == nil || format == .sharded || format == .safetensors else {
                throw ValidationError("--max-shard-size is for safetensors only.")
            }
            return maxShardSize != nil ? .sharded : format
        }
        if output.hasSuffix("/") || FolderListing.isFolder(output) || output.hasSuffix(".safetensors.index.json") {
            return .sharded
        }
        let named = Exporter.Format(suffixOf: output)
        guard maxShardSize != nil else {
            if let named { return named }
            throw ValidationError("The output's suffix names no format; pass --format.")
        }
        // A name without a format's suffix is the folder that the shards go to.
        guard named == nil || named == .safetensors else {
            throw ValidationError("--max-shard-size is for safetensors only.")
        }
        return .sharded
    }
}

extension Exporter.Format {
    /// The format that a file's suffix names; nil for other suffixes.
    init?(suffixOf path: String) {
        let name = path.split(separator: "/").last ?? ""
        switch name.contains(".") ? name.split(separator: ".").last?.lowercased() : nil {
        case "safetensors": self = .safetensors
        case "pt", "pth", "bin", "ckpt": self = .pt
        case "npz": self = .npz
        case "ud2w": self = .ud2w
        default: return nil
        }
    }

    /// What follows a name in this format.
    fileprivate var suffix: String { self == .sharded ? "/" : ".\(rawValue)" }
}
