import UD2MFormats
import UD2MSampler

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The result of `ud2m restore` for one image (`schemas/restore.schema.json`).
struct RestoreReport: Encodable {
    struct Settings: Encodable {
        let flavour: String
        let steps: Int
        let iterations: Int
        let timesteps: [Int]
        let eta: Double
        let solver: String?
        let warmStart: String
        /// λ, ρ and δ/ρ² of every iteration; one number of λ where it is the same in all, and the others in the exact flavour
        /// only.
        let dataWeight: ValueOrList
        let levels: [Double]?
        let stepFactor: ValueOrList?
        let denoisingStrength: Double?
        /// r of the closing proximal step, where there is one.
        let closingLevel: Double?
        /// Adam's steps in a proximal step through JPEG; nil of other operators.
        let jpegSteps: Int?
        /// Their rate; nil where it follows ρ as well.
        let jpegRate: Double?
        let rng: String
        let seed: UInt64
        let samples: Int
        /// Of all samples.
        let networkEvaluations: Int
    }

    /// A number, or one an iteration.
    enum ValueOrList: Encodable {
        case value(Double)
        case list([Double])

        init(_ schedule: IterationSchedule, count: Int) {
            if case .constant(let value) = schedule {
                self = .value(value)
            } else {
                self = .list((0..<count).map { schedule.value($0, of: count) })
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .value(let value): try container.encode(value)
            case .list(let values): try container.encode(values)
            }
        }
    }

    /// A number of the observation and of the restored image, against the reference.
    struct Comparison: Encodable {
        let observation: ReportNumber
        let restored: ReportNumber
    }

    /// How often the reference lies where the samples say.
    struct Coverage: Encodable {
        let level: Double
        let share: Double
    }

    let tool = "ud2m restore"
    let version = Version.current
    let store: String
    let bundle: String?
    /// Where the prior ran: "cpu" or "cuda:0".
    let device: String
    let image: String
    /// The observations of a stack; nil where there is one.
    let observations: [String]?
    let output: String
    let grid: String?
    /// What else was written.
    let files: [String]
    let `operator`: OperatorSpecification
    let settings: Settings
    let width: Int
    let height: Int
    let seconds: Double
    /// Of them, in the prior's network, and outside of it.
    let networkSeconds: Double
    let otherSeconds: Double
    /// In decibels against the reference; nil without one.
    var psnr: Comparison?
    var ssim: Comparison?
    var lpips: Comparison?
    /// PSNR of the last of several samples.
    var lastSamplePSNR: ReportNumber?
    /// The samples' standard deviation, averaged over pixels, in units of the image range.
    var meanDeviation: Double?
    var coverage: Coverage?
}

/// What became of an image that did not fail.
enum RestoreOutcome: Encodable {
    case restored(RestoreReport)
    /// Done by an earlier run.
    case skipped(RestoreSkipped)
    case planned(RestoreForecast)

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .restored(let report): try report.encode(to: encoder)
        case .skipped(let report): try report.encode(to: encoder)
        case .planned(let report): try report.encode(to: encoder)
        }
    }

    /// The lines of numbers alone; nil where there are none.
    var resultText: String? {
        switch self {
        case .restored(let report): report.resultLine
        case .skipped: nil
        case .planned(let report): report.summary
        }
    }

    /// A line or two for a person.
    var text: String {
        switch self {
        case .restored(let report): report.summary
        case .skipped(let report): "\(report.output.escapedForDisplay): done already"
        case .planned(let report): report.summary
        }
    }
}

/// An image that needs no work.
struct RestoreSkipped: Encodable {
    let tool = "ud2m restore"
    let version = Version.current
    let image: String
    let output: String
    let skipped = true
}

extension RestoreReport.Settings {
    init(_ plan: SamplerPlan, through forward: any ForwardOperator, noise: NoiseOptions, samples: Int) {
        let grid: TimeGrid
        switch plan.settings {
        case .exact(let exact):
            flavour = "exact"
            grid = exact.grid
            (iterations, eta) = (exact.iterations, exact.transition.eta)
            let count = exact.evaluationCount
            dataWeight = .init(exact.dataWeight, count: count)
            levels = (0..<count).map { exact.innerLevels.value($0, of: count) }
            stepFactor = .init(exact.stepFactor, count: count)
            denoisingStrength = exact.denoisingStrength
            closingLevel = exact.closingLevel
        case .reference(let published):
            flavour = "reference"
            grid = published.grid
            (iterations, eta) = (published.iterations, published.eta)
            dataWeight = .value(published.scalars.lambda)
            (levels, stepFactor, denoisingStrength, closingLevel) = (nil, nil, nil, nil)
        }
        steps = grid.count
        timesteps = grid.timesteps
        solver = plan.solver?.rawValue
        warmStart = plan.warmStart.rawValue
        let jpeg = forward as? JPEGCompression
        (jpegSteps, jpegRate) = (jpeg?.steps, jpeg?.learningRate)
        rng = noise.sourceName
        seed = noise.seed ?? 0
        self.samples = samples
        networkEvaluations = samples * grid.count * iterations
    }
}

extension RestoreReport {
    /// Where the image is and, with a reference, "deblur: 24.10 dB -> 28.90 dB (grid.png)".
    var summary: String {
        let made = "\(output.escapedForDisplay): \(Self.decimals(seconds)) s"
        return resultLine.map { "\(made)\n\($0)" } ?? made
    }

    /// "deblur: 24.10 dB -> 28.90 dB (grid.png)"; nil without a reference.
    var resultLine: String? {
        guard let psnr else { return nil }
        let shown = (grid ?? output).escapedForDisplay
        let task = self.operator.task.rawValue
        return "\(task): \(psnr.observation.decimals) dB -> \(psnr.restored.decimals) dB (\(shown))"
    }

    /// What made the image, as JSON for its text chunk; no paths.
    static func parameterText(
        _ weights: LoadedPrior.Record, _ specification: OperatorSpecification, _ settings: Settings
    ) -> String {
        struct Parameters: Encodable {
            let tool = "ud2m restore"
            let version = Version.current
            let weights: LoadedPrior.Record
            let `operator`: OperatorSpecification
            let settings: Settings
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try? encoder.encode(Parameters(weights: weights, operator: specification, settings: settings))
        return data.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private static func decimals(_ value: Double) -> String { numberText("%.2f", value) }
}
