import ArgumentParser
import UD2MFormats

/// The forward operator: flags that `degrade` and `restore` share.
///
/// The reference code's names are accepted as well: `--operator_name`, `--kernel_size`, `--sigma_model`, `--sf`.
struct OperatorOptions: ParsableArguments {
    @Option(help: "What was done to the image: deblur, inpaint, sr, jpeg, denoise or cs.")
    var task: RestorationTask?

    @Option(
        name: [.customLong("kernel"), .customLong("operator_name")],
        help: ArgumentHelp(
            """
            Blur kernel of deblur (gaussian by default) and sr (bicubic by default): gaussian, uniform, motion, \
            anisotropic, bicubic (sr), or a file with the weights, .npy or an image.
            """, valueName: "name or file"))
    var kernel: String?

    @Option(
        name: [.customLong("kernel-size"), .customLong("kernel_size")],
        help: """
            Side of the blur kernel in pixels, 9 by default; without it and a variance, sr's gaussian follows the factor.
            """)
    var kernelSize: Int?

    @Option(name: .customLong("kernel-variance"), help: "Variance of the Gaussian kernel in pixels², 3 by default.")
    var kernelVariance: Double?

    @Option(
        name: .customLong("kernel-sigma"),
        help: "Width of the anisotropic kernel along its direction, in pixels, 3 by default.")
    var kernelSigma: Double?

    @Option(
        name: .customLong("kernel-cross-sigma"),
        help: "Width of the anisotropic kernel across its direction, 1 by default.")
    var kernelCrossSigma: Double?

    @Option(
        name: .customLong("kernel-angle"),
        help: "Direction of the anisotropic kernel, degrees from right to down, 0 by default.")
    var kernelAngle: Double?

    @Option(name: .customLong("motion-length"), help: "Pixels that a motion covers; 0.8·(size − 1) by default.")
    var motionLength: Double?

    @Option(
        name: .customLong("motion-intensity"),
        help: "How much a motion bends: 0 is straight, 1 curls, 0.5 by default.")
    var motionIntensity: Double?

    @Option(name: .customLong("kernel-seed"), help: "Seed of a motion kernel, 0 by default.")
    var kernelSeed: UInt64?

    @Option(
        name: [.customLong("factor"), .customLong("sf")],
        help: "How many times smaller the observation is (sr), 4 by default.")
    var factor: Int?

    @Option(help: ArgumentHelp("Mask image: white pixels are known, black ones missing (inpaint).", valueName: "png"))
    var mask: String?

    @Option(help: "Quality of the compression, 1…100 (jpeg), 10 by default.")
    var quality: Int?

    @Option(
        name: [.customLong("sigma"), .customLong("sigma_model")],
        help: "Standard deviation of the noise, in units of the image range [0, 1]; 0.025 by default.")
    var sigma: Double?

    mutating func validate() throws {
        guard (1...255).contains(kernelSize ?? 1) else { throw ValidationError("--kernel-size must be 1…255.") }
        for (flag, value) in [
            ("--kernel-variance", kernelVariance), ("--kernel-sigma", kernelSigma),
            ("--kernel-cross-sigma", kernelCrossSigma), ("--motion-length", motionLength),
        ] {
            if let value, !(value > 0 && value.isFinite) { throw ValidationError("\(flag) must be positive.") }
        }
        guard (kernelAngle ?? 0).isFinite else {
            throw ValidationError("--kernel-angle must be a number of degrees.")
        }
        guard (0...100).contains(motionIntensity ?? 0) else {
            throw ValidationError("--motion-intensity must be 0…100.")
        }
        guard (2...64).contains(factor ?? 2) else { throw ValidationError("--factor must be 2…64.") }
        guard (1...100).contains(quality ?? 1) else { throw ValidationError("--quality must be 1…100.") }
        guard OperatorSpecification.sigmaRange.contains(sigma ?? 1) else {
            throw ValidationError("--sigma must be between 1e-9 and 1.")
        }
        if let task { try FlagRule.check(rules(specification(task: task))) }
    }
}
