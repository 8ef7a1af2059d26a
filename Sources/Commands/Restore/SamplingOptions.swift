import ArgumentParser
import UD2MSampler

/// The unfolded sampler's settings; what is left out comes from the task's recipe.
struct SamplingOptions: ParsableArguments {
    @Option(help: "N, the diffusion steps.")
    var steps: Int?

    @Option(help: "K, the unfolded iterations of each step.")
    var iterations: Int?

    @Option(help: "η, the share of fresh noise between steps, 0…1.")
    var eta: Double?

    @Option(name: .customLong("data-weight"), help: "λ, which multiplies the noise variance in the proximal step.")
    var dataWeight: Double?

    @Option(help: "Seed of the random numbers: the same seed gives the same image on any number of threads.")
    var seed: UInt64 = 0

    @Option(name: .customLong("class-label"), help: "Class of a class-conditional prior.")
    var classLabel: Int?

    @Option(help: "Noise schedule that the prior was trained with: linear or cosine.")
    var schedule: Schedule = .linear

    /// The schedules by name.
    enum Schedule: String, ExpressibleByArgument, CaseIterable {
        case linear
        case cosine

        var noiseSchedule: NoiseSchedule { self == .linear ? .linear : .cosine }
    }

    mutating func validate() throws {
        if let steps, !(1...1000).contains(steps) { throw ValidationError("--steps must be 1…1000.") }
        if let iterations, !(1...1000).contains(iterations) { throw ValidationError("--iterations must be 1…1000.") }
        if let eta, !(0...1).contains(eta) { throw ValidationError("--eta must be 0…1.") }
        if let dataWeight, !(dataWeight > 0 && dataWeight.isFinite) {
            throw ValidationError("--data-weight must be positive.")
        }
    }
}
