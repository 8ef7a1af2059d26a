import UD2MFormats
import UD2MImaging
import UD2MLoRA
import UD2MSampler

/// The work of `ud2m prior`.
struct PriorRun {
    let command: PriorCommand

    /// Draws the images and writes them.
    /// - Throws: ``UD2MFormats/UD2MError`` or ``UD2MImaging/ImageError``; nothing is written then.
    func execute(progress: any ProgressSink) throws -> PriorReport {
        let paths = try self.paths()
        for path in paths { _ = try OutputSet.imageFormat(of: path) }
        let inputs = command.prior.files + [command.store].compactMap(\.self)
        let target = try command.compute.target(isQuiet: command.reporting.quiet)
        let folder = try isFolder ? OutputFolder(of: paths[0]) : nil
        let outputs = try OutputSet(paths, overwrite: command.force, inputs: inputs)
        let prior = try LoadedPrior(store: command.store, options: command.prior, target: target)
        let size = command.size
        let grid = try TimeGrid.uniform(steps: command.steps)
        let eta = command.solver == .ddpm ? 1 : command.eta ?? 0
        let schedule = command.schedule ?? prior.bundle?.manifest.settings.schedule ?? .linear
        let sampler = try PriorSampler(
            schedule: schedule.noiseSchedule, denoiser: prior.denoiser, grid: grid, eta: eta,
            noise: PhiloxNoise(seed: command.seed))
        let start = ContinuousClock.now
        var images: [ImageBuffer] = []
        let count = command.samples
        for first in stride(from: 0, to: count, by: command.batch) {
            let last = min(first + command.batch, count)
            let monitor = SamplerMonitor(report: { fraction, label in
                progress.update((Double(first) + fraction * Double(last - first)) / Double(count), label: label)
            })
            images += try sampler.draw(
                first..<last, shape: [1, prior.channels, size.height, size.width], monitor: monitor
            ).map { try $0.image(bitDepth: 8) }
        }
        let seconds = (ContinuousClock.now - start).seconds
        target.noteDifferences(isQuiet: command.reporting.quiet)
        if isFolder {
            try outputs.write(try zip(images, paths).map { try OutputSet.encode($0, for: $1) })
        } else {
            let columns = Int(Double(count).squareRoot().rounded(.up))
            try outputs.write([try OutputSet.encode(try ImageGrid(columns: columns).compose(images), for: paths[0])])
        }
        folder?.keep()
        return PriorReport(
            store: prior.path, bundle: command.prior.bundle, device: prior.device, output: command.output, files: paths,
            samples: count,
            width: size.width, height: size.height, steps: grid.count, solver: command.solver, eta: eta,
            seed: command.seed, networkEvaluations: count * grid.count, seconds: (seconds * 1e6).rounded() / 1e6)
    }

    private var isFolder: Bool { command.output.hasSuffix("/") || FolderListing.isFolder(command.output) }

    private func paths() throws -> [String] {
        guard isFolder else { return [command.output] }
        let folder = command.output.hasSuffix("/") ? command.output : command.output + "/"
        return (0..<command.samples).map { index in
            let digits = String(index)
            return "\(folder)\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits).png"
        }
    }
}

/// The result of `ud2m prior` (`schemas/prior.schema.json`).
struct PriorReport: Encodable {
    let tool = "ud2m prior"
    let version = Version.current
    let store: String
    let bundle: String?
    /// Where the prior ran: "cpu" or "cuda:0".
    let device: String
    let output: String
    /// The files written: the grid, or one an image.
    let files: [String]
    let samples: Int
    let width: Int
    let height: Int
    let steps: Int
    let solver: PriorSolver
    let eta: Double
    let seed: UInt64
    let networkEvaluations: Int
    let seconds: Double

    /// A line for a person.
    var summary: String {
        "\(output.escapedForDisplay): \(samples) images of \(width)×\(height) pixels, \(numberText("%.2f", seconds)) s"
    }
}
