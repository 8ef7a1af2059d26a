import UD2MFormats
import UD2MImaging
import UD2MLoRA
import UD2MRuntime

/// The work of `ud2m restore` on all its images: the networks are loaded once, and a bad image does not stop the others.
struct RestoreRun {
    let command: RestoreCommand

    /// Restores every image, or with `--dry-run` tells what it would take.
    /// - Throws: ``UD2MFormats/UD2MError`` before work begins, and what is wrong with a single image.
    func execute(progress: any ProgressSink) throws -> Batch<RestoreOutcome> {
        let (store, images) = command.storeAndImages
        // What can be found wrong without a network is found before one is loaded.
        let given = try command.factory(bundle: nil)
        var all = try RestoreInputs(images, isRecursive: command.batching.recursive)
        if let given, given.specification.task == .stacked {
            let owner = "several images, and a stack of operators has one"
            try FlagRule.check([
                .init("--recursive", given: command.batching.recursive, applies: false, owner: owner),
                .init("--resume", given: command.batching.resume, applies: false, owner: owner),
                .init("--shard", given: command.batching.shard != nil, applies: false, owner: owner),
            ])
            all = try all.stacked(given.parts.count)
        }
        let list = try RestorePlaceList(
            all, output: command.output, template: command.batching.template, posterior: command.posterior)
        let inputs = all.shard(command.batching.part)
        let folders = command.dryRun ? [] : try list.createFolders()
        let references = try command.comparing.reference.map {
            try RestoreReferences($0, isSingle: all.isSingle)
        }
        var files =
            [store, command.comparing.reference, command.sampling.ram, command.comparing.lpips, command.noise.tape]
            .compactMap(\.self) + command.prior.files + all.images.flatMap(\.files)
        if !all.isSingle, command.noise.record != nil {
            throw UD2MError(.usage, "--record-noise records the noise of one image, and there may be several here.")
        }
        files += given?.files ?? []
        let outputs = try checkOutputs(inputs, list, inputs: files)
        if inputs.isSingle, let only = inputs.images.first { try Self.requireReadable(only) }

        let target = try command.compute.target(isQuiet: command.reporting.quiet)
        let prior = try LoadedPrior(store: store, options: command.prior, target: target)
        guard var found = try given ?? command.factory(bundle: prior.bundle) else {
            throw UD2MError(
                .operatorParameterMissing, "Nothing says what was done to the image.",
                remedy: "Pass --operator FILE, or --task and its flags.")
        }
        found.jpegStep = (command.sampling.jpegSteps, command.sampling.jpegRate)
        guard found.specification.task == .jpeg || found.jpegStep == (nil, nil) else {
            throw UD2MError(
                .samplerOption, "--jpeg-steps and --jpeg-rate belong to JPEG's proximal step, and change nothing here.",
                remedy: "Leave them out.")
        }
        let factory = found
        let ram =
            SamplerPlan.startsFromRAM(command.sampling, bundle: prior.bundle?.manifest.settings)
            ? try prior.ram(named: command.sampling.ram) : nil
        let lpips = try command.comparing.lpips.map {
            try LPIPSMetric(
                store: StoreInput.open($0), convention: .lpips, threads: command.compute.cpu.threads,
                precision: command.compute.precision.cpu ?? .standard)
        }
        let ledger = try ledger(list)
        let options = try ledger.map { _ in try command.digest(of: factory, on: target) } ?? ""

        let byPath = Dictionary(inputs.images.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        let timers = command.dryRun && command.calibrate ? ForecastTimers(prior.denoiser) : nil
        var done = 0
        let batch = try Batch<RestoreOutcome>(Self.paths(inputs)) { path in
            guard let image = byPath[path], let places = list.places[path] else {
                throw UD2MError(.unexpected, "The image has no place.", at: .init(file: path))
            }
            defer { done += 1 }
            if let ledger,
                ledger.finished(
                    image, output: places.output, others: places.others, model: prior.identity, options: options) != nil
            {
                return .skipped(RestoreSkipped(image: path, output: places.output))
            }
            let step = ItemProgress(progress, index: done, count: byPath.count, name: image.name)
            return try Self.inToolkitTerms(path) {
                let restoration = ImageRestoration(
                    image: image, places: places, prior: prior, factory: factory, command: command,
                    reference: try references?.path(for: image), ram: ram, lpips: lpips)
                if command.dryRun { return .planned(try restoration.forecast(timers: timers)) }
                let result = try restoration.restore(progress: step.update)
                try outputs[path]?.write(result.contents)
                folders.forEach { $0.keep() }
                if let tape = result.tape, let record = command.noise.record {
                    try tape.write(to: record, overwrite: command.force, inputs: files)
                }
                try ledger?.append(
                    .init(
                        input: path, output: places.output, inputDigest: RestoreLedger.digest(of: path),
                        outputDigest: RestoreLedger.digest(of: places.output), model: prior.identity,
                        options: options, seconds: result.report.seconds,
                        psnr: result.report.psnr?.restored.finite, ssim: result.report.ssim?.restored.finite,
                        lpips: result.report.lpips?.restored.finite))
                return .restored(result.report)
            }
        }
        target.noteDifferences(isQuiet: command.reporting.quiet)
        if let csv = command.comparing.csv, !command.dryRun {
            let bytes = Array(RestoreSummary.csv(batch).utf8)
            try OutputSet([csv], overwrite: command.force, inputs: files).write([(csv, bytes)])
        }
        return batch
    }

    /// Checks every place that will be written, image by image.
    private func checkOutputs(
        _ images: RestoreInputs, _ list: RestorePlaceList, inputs: [String]
    ) throws -> [String: OutputSet] {
        let alone = [command.comparing.csv, command.noise.record].compactMap(\.self)
        try OutputSet.requireDistinct(images.images.flatMap { list.places[$0.path]?.all ?? [] } + alone)
        guard !command.dryRun else {
            // Outputs of an earlier run are no news to a plan, but none may be an input.
            for path in images.images.flatMap({ list.places[$0.path]?.all ?? [] }) {
                try AtomicFile.check(path: path, overwrite: true, inputs: inputs)
            }
            return [:]
        }
        // A run that is taken up again finds the outputs of the first part in their places.
        let overwrite = command.force || command.batching.resume
        for path in alone {
            try OutputFile.requireWritable(path, overwrite: command.force, inputs: inputs)
        }
        var sets: [String: OutputSet] = [:]
        for image in images.images {
            sets[image.path] = try OutputSet(
                list.places[image.path]?.all ?? [], overwrite: overwrite, inputs: inputs)
        }
        return sets
    }

    private func ledger(_ list: RestorePlaceList) throws -> RestoreLedger? {
        guard command.batching.resume, !command.dryRun else { return nil }
        guard let folder = list.folder else {
            throw UD2MError(
                .outputFolder, "--resume keeps its ledger in the folder of outputs, and the output is a file.",
                at: .init(file: command.output), remedy: "Name a folder with -o.")
        }
        return try RestoreLedger(folder: folder, shard: command.batching.part)
    }

    private static func requireReadable(_ image: RestoreInputs.Image) throws {
        for file in image.files { _ = try ImageFile.read(file) }
    }

    private static func paths(_ inputs: RestoreInputs) -> InputPaths {
        InputPaths(
            items: inputs.items.map { item in
                switch item {
                case .image(let image): .file(image.path)
                case .unmatched(let error): .unmatched(error)
                }
            }, isSingle: inputs.isSingle)
    }

    /// Says what is wrong with an image in the toolkit's terms, so that the others go on.
    private static func inToolkitTerms<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as ImageError {
            throw UD2MError(error).located(in: .init(file: path))
        }
    }
}

/// The progress of one image as a part of that of all.
private struct ItemProgress: Sendable {
    private let sink: any ProgressSink
    private let index: Int
    private let count: Int
    private let name: String

    init(_ sink: any ProgressSink, index: Int, count: Int, name: String) {
        self.sink = sink
        self.index = index
        self.count = count
        self.name = name
    }

    func update(_ fraction: Double, _ label: String) {
        let part = (Double(index) + fraction) / Double(max(count, 1))
        sink.update(part, label: count > 1 ? "\(index + 1)/\(count) \(name.escapedForDisplay), \(label)" : label)
    }
}
