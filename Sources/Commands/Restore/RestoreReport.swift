import UD2MFormats
import UD2MSampler

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The result of `ud2m restore` (`schemas/restore.schema.json`).
struct RestoreReport: Encodable {
    struct Settings: Encodable {
        let steps: Int
        let iterations: Int
        let timesteps: [Int]
        let eta: Double
        let dataWeight: Double
        let seed: UInt64
        let networkEvaluations: Int
    }

    struct PSNR: Encodable {
        let observation: ReportNumber
        let restored: ReportNumber
    }

    let tool = "ud2m restore"
    let version = Version.current
    let store: String
    let image: String
    let output: String
    let grid: String?
    let `operator`: OperatorSpecification
    let settings: Settings
    let width: Int
    let height: Int
    let seconds: Double
    /// In decibels against the reference; nil without one.
    let psnr: PSNR?
}

extension RestoreReport.Settings {
    init(_ configuration: SamplerConfiguration, seed: UInt64) {
        self.init(
            steps: configuration.grid.count, iterations: configuration.iterations,
            timesteps: configuration.grid.timesteps, eta: configuration.transition.eta,
            dataWeight: configuration.dataWeight, seed: seed, networkEvaluations: configuration.evaluationCount)
    }
}

extension RestoreReport {
    /// Where the image is and, with a reference, "deblur: 24.10 dB -> 28.90 dB (grid.png)".
    var summary: String {
        let made = "\(output.escapedForDisplay): \(Self.decimals(seconds)) s"
        guard let psnr else { return made }
        let shown = (grid ?? output).escapedForDisplay
        let task = self.operator.task.rawValue
        return "\(made)\n\(task): \(psnr.observation.decimals) dB -> \(psnr.restored.decimals) dB (\(shown))"
    }

    /// What made the image, as JSON for its text chunk; no paths.
    var parameterText: String {
        struct Parameters: Encodable {
            let `operator`: OperatorSpecification
            let settings: Settings
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try? encoder.encode(Parameters(operator: self.operator, settings: settings))
        return data.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private static func decimals(_ value: Double) -> String { numberText("%.2f", value) }
}
