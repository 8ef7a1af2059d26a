import UD2MConvert
import UD2MFormats
import UD2MLoRA

/// What a bundle is made from: the adapter of a file, and what else the file tells.
struct BundleSource {
    /// The adapter.
    let adapter: Adapter
    /// The file with its tensors, which in a folder is one of several.
    let file: String
    /// The file's container.
    let container: String
    /// The bundle, where the source is one.
    let bundle: TaskBundle?
    /// What the file and its name tell of the settings.
    let guess: BundleSettings.Draft
    /// Parts of a training checkpoint that are left out.
    let dropped: [TrainingRun.Dropped]
    /// What a person should know, as sentences.
    let notes: [String]
    /// The tensors of RAM as the file has them; nil when it has none.
    let ramTensors: [TensorSource]?
    private let checkpoint: Checkpoint?

    /// Reads a training checkpoint, an adapter of any convention, or a bundle.
    /// - Throws: ``UD2MFormats/UD2MError``.
    init(_ path: String, _ flags: AdapterFlags, _ input: CheckpointInput) throws {
        if TaskBundle.isBundle(path: path) {
            let bundle = try TaskBundle(path: path, limits: input.limits, access: input.access)
            adapter = bundle.adapter
            file = path
            container = ContainerKind.weightStore.rawValue
            guess = bundle.manifest.settings.draft
            ramTensors = bundle.manifest.ram == nil ? nil : bundle.ram
            self.bundle = bundle
            (dropped, notes, checkpoint) = ([], [], nil)
            return
        }
        let opened = try AdapterFile(path: path, select: flags.adapterSelect, open: input.open)
        adapter = try Adapter(opened, alpha: flags.alpha)
        file = opened.checkpoint.path
        container = opened.checkpoint.container.rawValue
        checkpoint = opened.checkpoint
        bundle = nil
        let run = try TrainingRun(opened.checkpoint, adapter: opened.stateDict)
        dropped = run?.dropped ?? []
        notes = run?.notes ?? []
        ramTensors = run?.ram?.tensors
        var guess = BundleSettings.Draft()
        if let run {
            guess.scalars = run.scalars
            guess.flavour = .reference
            // Runs that gave RAM to the unfolded steps do not train λ (`adapters.md` §9).
            let lacksWeight = run.scalars.lambdaSigma == nil && !run.scalars.isEmpty
            guess.usesRAM = run.ram != nil || lacksWeight ? true : nil
        }
        if let name = PublishedRunName(path: path) {
            guess.name = name.bundleName
            guess.task = name.task
            guess.operatorName = name.operatorName
            if name.usesRAM { guess.usesRAM = true }
        }
        guess.name = guess.name ?? Self.stem(path)
        self.guess = guess
    }

    /// The RAM network of the source; nil when it has none.
    /// - Throws: ``UD2MFormats/UD2MError`` when it is incomplete.
    func ram() throws -> BundleWriter.RAM? {
        guard let tensors = ramTensors else { return nil }
        if let configuration = bundle?.manifest.ram { return .init(configuration: configuration, tensors: tensors) }
        return try checkpoint.map { try Self.ram(of: $0, select: "RAM_state_dict") }
    }

    /// The RAM network in a state dict of a checkpoint, under the names that stores have.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `architecture-unknown` for another network, or what matching throws.
    static func ram(of checkpoint: Checkpoint, select: String?) throws -> BundleWriter.RAM {
        let place = UD2MError.Location(file: checkpoint.path, entry: select)
        do {
            let plan = try ConversionPlan(checkpoint: checkpoint, select: select)
            guard case .ram(let configuration) = plan.choice.architecture.configuration else {
                throw UD2MError(.architectureUnknown, "The file holds another network than RAM.", at: place)
            }
            try plan.requireComplete()
            return BundleWriter.RAM(configuration: configuration, tensors: plan.mapped)
        } catch let error as UD2MError {
            throw error.located(in: place)
        }
    }

    /// The last component of a path, without its suffix.
    private static func stem(_ path: String) -> String? {
        guard let last = path.split(separator: "/").last else { return nil }
        guard let dot = last.lastIndex(of: "."), dot > last.startIndex else { return String(last) }
        return String(last[..<dot])
    }
}

/// Digests of whole files.
enum FileDigest {
    /// The SHA-256 of a file; nil for a folder, whose files have none in common.
    /// - Throws: ``UD2MFormats/UD2MError`` when it cannot be read.
    static func sha256(_ path: String, _ input: CheckpointInput) throws -> String? {
        guard !FolderListing.isFolder(path) else { return nil }
        let file = try MappedFile(path: path, access: input.access)
        var hash = try SHA256()
        try file.stream(0..<file.count, pieceBytes: 1 << 20) { try hash.update($0) }
        return try hash.finish()
    }
}
