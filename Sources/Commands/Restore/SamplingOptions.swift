import ArgumentParser
import UD2MLoRA
import UD2MSampler

/// The unfolded sampler's settings; what is left out comes from the bundle, or else from the task's recipe.
///
/// The reference code's names are accepted as well.
struct SamplingOptions: ParsableArguments {
    @Option(
        help: """
            Whose unfolded step: exact, the correct proximal steps, or reference, the published code's, which its \
            checkpoints were trained with. The bundle's by default, exact without one.
            """)
    var flavour: BundleSettings.Flavour?

    @Option(name: [.customLong("steps"), .customLong("num_timesteps")], help: "N, the diffusion steps.")
    var steps: Int?

    @Option(
        name: [.customLong("iterations"), .customLong("max_unfolded_iter")],
        help: "K, the unfolded iterations of each step.")
    var iterations: Int?

    @Option(
        help: ArgumentHelp("The timesteps themselves, noisiest first, such as 999,444,111.", valueName: "list"),
        transform: NumberList.integers)
    var timesteps: [Int]?

    @Option(name: .customLong("grid-kind"), help: "How N timesteps are spaced: quadratic (unless given) or uniform.")
    var gridKind: GridKind?

    @Option(help: "How a step ends (exact only): mixture (unless given), ddim, or ddpm, which is ddim with η = 1.")
    var solver: Solver?

    @Option(help: "η, the share of fresh noise between steps, 0…1.")
    var eta: Double?

    @Option(
        name: [.customLong("data-weight"), .customLong("lambda_")],
        help: ArgumentHelp(
            "λ, which multiplies the noise variance in the proximal step; also a list of N·K, one an iteration (exact).",
            valueName: "number or list"),
        transform: NumberList.reals)
    var dataWeight: [Double]?

    @Option(
        help: ArgumentHelp(
            """
            ρ, the noise level that iterations denoise at, for images in [-1, 1]: the first and the last, between which \
            the others lie in geometric progression, or a list of N·K (exact only).
            """, valueName: "list"),
        transform: NumberList.reals)
    var levels: [Double]?

    @Option(
        name: .customLong("step-factor"),
        help: ArgumentHelp(
            "δ/ρ², the size of the proximal step; also a list of N·K (exact only).", valueName: "number or list"),
        transform: NumberList.reals)
    var stepFactor: [Double]?

    @Option(
        name: .customLong("denoising-strength"),
        help: """
            How far an iteration goes from the noisy image to the denoised one, above 0 and up to 1; 1 unless given (exact \
            only).
            """)
    var denoisingStrength: Double?

    @Flag(
        name: .customLong("posterior-spread"),
        help: """
            Make samples spread as the posterior does; by default they are narrower, and their deviation, quantiles and \
            coverage too sure. Sets --denoising-strength 0.5, --step-factor 0.5, --data-weight 1, --levels from 1 down to \
            0.3 times the noise (in [-1, 1] units, 0.01 at least) and --iterations 30, each unless given (exact only).
            """)
    var posteriorSpread = false

    @Option(
        name: .customLong("closing-level"),
        help: """
            The error that the last estimate is taken to have, for images in [-1, 1], in a proximal step that ends the \
            run; 0 leaves the step out (exact only).
            """)
    var closingLevel: Double?

    @Option(
        name: .customLong("jpeg-steps"),
        help: "Adam's steps in a proximal step through JPEG, 3 or more; 10 unless given.")
    var jpegSteps: Int?

    @Option(
        name: .customLong("jpeg-rate"),
        help: "Adam's rate there, for images in [-1, 1]; unless given it follows the noise level of the iteration.")
    var jpegRate: Double?

    @Option(
        name: .customLong("warm-start"),
        help: "What steps start from: plain, adjoint, pseudo-inverse or ram; the flavour's or bundle's by default.")
    var warmStart: WarmStart?

    @Option(help: ArgumentHelp("RAM network for --warm-start ram; implies it.", valueName: "ud2w"))
    var ram: String?

    @Flag(name: .customLong("use_RAM"), help: .hidden)
    var usesRAM = false

    @Option(help: "Noise schedule that the prior was trained with: linear (unless a bundle says cosine) or cosine.")
    var schedule: BundleSettings.Schedule?

    mutating func validate() throws {
        if let steps, !(1...1000).contains(steps) { throw ValidationError("--steps must be 1…1000.") }
        if let iterations, !(1...1000).contains(iterations) { throw ValidationError("--iterations must be 1…1000.") }
        if let eta, !(0...1).contains(eta) { throw ValidationError("--eta must be 0…1.") }
        if let jpegSteps, !(3...10_000).contains(jpegSteps) { throw ValidationError("--jpeg-steps must be 3…10000.") }
        if let jpegRate, !(jpegRate > 0 && jpegRate <= 1) {
            throw ValidationError("--jpeg-rate must be above 0 and at most 1.")
        }
        if let closingLevel, closingLevel != 0, !(1e-6...1000).contains(closingLevel) {
            throw ValidationError("--closing-level must be 0 or 0.000001…1000.")
        }
        for (name, values) in [("data-weight", dataWeight), ("levels", levels), ("step-factor", stepFactor)] {
            if let values, !values.allSatisfy({ $0 > 0 && $0.isFinite }) {
                throw ValidationError("--\(name) must be positive.")
            }
        }
        if let timesteps, let steps, timesteps.count != steps {
            throw ValidationError("--timesteps has \(timesteps.count) numbers, and --steps says \(steps).")
        }
        if let timesteps, !zip(timesteps, timesteps.dropFirst()).allSatisfy(>) {
            throw ValidationError("--timesteps must descend: each is smaller than the one before.")
        }
        if timesteps != nil, gridKind != nil { throw ValidationError("Give --timesteps or --grid-kind, not both.") }
        if solver == .ddpm, eta != nil { throw ValidationError("--solver ddpm has η = 1; leave --eta out.") }
        if let warmStart, warmStart != .ram, ram != nil || usesRAM {
            throw ValidationError("A RAM network is of use with --warm-start ram only.")
        }
    }

    /// The warm start that was asked for, in any of its ways.
    var wantedStart: WarmStart? { warmStart ?? (ram != nil || usesRAM ? .ram : nil) }
}

/// How timesteps are spaced.
enum GridKind: String, ExpressibleByArgument, CaseIterable {
    case quadratic
    case uniform
}

/// How an outer step of the exact flavour ends.
enum Solver: String, Codable, ExpressibleByArgument, CaseIterable {
    case mixture
    case ddim
    case ddpm
}

/// Numbers with commas between them.
enum NumberList {
    /// - Throws: `ValidationError` for anything else.
    static func integers(_ text: String) throws -> [Int] { try numbers(text, Int.init) }

    /// - Throws: `ValidationError` for anything else.
    static func reals(_ text: String) throws -> [Double] { try numbers(text) { Double($0) } }

    private static func numbers<Number>(_ text: String, _ number: (String) -> Number?) throws -> [Number] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let value = number(String(part)) else {
                throw ValidationError("'\(part)' is no number; put commas between numbers.")
            }
            return value
        }
    }
}

extension WarmStart: ExpressibleByArgument {}
