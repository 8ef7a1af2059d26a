import UD2MFormats
import UD2MSampler

/// What a run would do with an image.
struct RestoreForecast: Encodable {
    let tool = "ud2m restore"
    let version = Version.current
    let store: String
    let bundle: String?
    /// Where the prior would run: "cpu" or "cuda:0".
    let device: String
    let image: String
    /// The observations of a stack; nil where there is one.
    let observations: [String]?
    let output: String
    let files: [String]
    let `operator`: OperatorSpecification
    let settings: RestoreReport.Settings
    let width: Int
    let height: Int
    /// Bytes that the prior's network takes: packed weights and intermediate results.
    let networkMemory: Int
    /// Bytes of the prior's files, which are mapped: the system drops and reads them again as it likes.
    let weightsMapped: Int
    /// Bytes of the operator and a likelihood step, about.
    let likelihoodMemory: Int
    /// Bytes of samples and their statistics.
    let sampleMemory: Int
    /// Bytes of observations, reference and result.
    let imageMemory: Int
    /// The operator for a person.
    let operatorText: String
    /// All evaluations, by the time of one; nil unless that was asked for.
    let expectedNetworkSeconds: Double?
    /// Likelihood steps and what else is not the network, by the first of them; nil unless that was asked for.
    let expectedOtherSeconds: Double?
    /// Both together.
    let expectedSeconds: Double?
    let dryRun = true

    private enum CodingKeys: String, CodingKey {
        case tool, version, store, bundle, device, image, observations, output, files, `operator`, settings, width,
            height
        case networkMemory, weightsMapped, likelihoodMemory, sampleMemory, imageMemory
        case expectedNetworkSeconds, expectedOtherSeconds, expectedSeconds, dryRun
    }

    /// A few lines for a person.
    var summary: String {
        let time =
            if let expectedSeconds, let expectedNetworkSeconds {
                "about \(Self.duration(expectedSeconds)), of it network \(Self.duration(expectedNetworkSeconds))"
            } else {
                "not told (--no-calibrate)"
            }
        let solver = settings.solver.map { ", solver \($0)" } ?? ""
        let total = ByteText.size(networkMemory + likelihoodMemory + sampleMemory + imageMemory)
        return """
            \(output.escapedForDisplay): would be \(width)×\(height) pixels
              operator: \(operatorText), σ = \(ReportNumber(self.operator.sigma).text)
              sampler: \(settings.flavour) flavour, N = \(settings.steps) steps of K = \(settings.iterations) iterations, \
            start \(settings.warmStart)\(solver)
              samples: \(settings.samples), \(settings.networkEvaluations) evaluations in all
              memory: \(total), of it network \(ByteText.size(networkMemory)), likelihood \
            \(ByteText.size(likelihoodMemory)), samples \(ByteText.size(sampleMemory)), images \(ByteText.size(imageMemory)); weights \(ByteText.size(weightsMapped)) (mapped)
              time: \(time)
            """
    }
}

extension RestoreForecast {
    /// Seconds, or what a person would say of many.
    static func duration(_ seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(numberText("%.1f", seconds)) s"
        case ..<7200: "\(numberText("%.0f", seconds / 60)) min"
        default: "\(numberText("%.1f", seconds / 3600)) h"
        }
    }
}

extension ForwardOperator {
    /// Name and parameters in a line, such as "deblurring (size 9)".
    var summary: String {
        let details = parameters.map { parameter in
            switch parameter.value {
            case .integer(let value): "\(parameter.name) \(value)"
            case .number(let value): "\(parameter.name) \(ReportNumber(value).text)"
            case .text(let value): "\(parameter.name) \(value)"
            }
        }
        return details.isEmpty ? name : "\(name) (\(details.joined(separator: ", ")))"
    }
}
