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
        help: "Side of the blur kernel in pixels, 9 by default; without it sr's gaussian follows the factor.")
    var kernelSize: Int?

    @Option(name: .customLong("kernel-variance"), help: "Variance of the Gaussian kernel in pixels².")
    var kernelVariance = 3.0

    @Option(name: .customLong("kernel-sigma"), help: "Width of the anisotropic kernel along its direction, in pixels.")
    var kernelSigma = 3.0

    @Option(name: .customLong("kernel-cross-sigma"), help: "Width of the anisotropic kernel across its direction.")
    var kernelCrossSigma = 1.0

    @Option(name: .customLong("kernel-angle"), help: "Direction of the anisotropic kernel, degrees from right to down.")
    var kernelAngle = 0.0

    @Option(name: .customLong("motion-length"), help: "Pixels that a motion covers; 0.8·(size − 1) by default.")
    var motionLength: Double?

    @Option(name: .customLong("motion-intensity"), help: "How much a motion bends: 0 is straight, 1 curls.")
    var motionIntensity = 0.5

    @Option(name: .customLong("kernel-seed"), help: "Seed of a motion kernel.")
    var kernelSeed: UInt64 = 0

    @Option(
        name: [.customLong("factor"), .customLong("sf")], help: "How many times smaller the observation is (sr).")
    var factor = 4

    @Option(help: ArgumentHelp("Mask image: white pixels are known, black ones missing (inpaint).", valueName: "png"))
    var mask: String?

    @Option(help: "Quality of the compression, 1…100 (jpeg).")
    var quality = 10

    @Option(
        name: [.customLong("sigma"), .customLong("sigma_model")],
        help: "Standard deviation of the noise, in units of the image range [0, 1]; 0.025 by default.")
    var sigma: Double?

    mutating func validate() throws {
        guard (1...255).contains(kernelSize ?? 1) else { throw ValidationError("--kernel-size must be 1…255.") }
        for (flag, value) in [
            ("--kernel-variance", kernelVariance), ("--kernel-sigma", kernelSigma),
            ("--kernel-cross-sigma", kernelCrossSigma), ("--motion-length", motionLength ?? 1),
        ] where !(value > 0 && value.isFinite) {
            throw ValidationError("\(flag) must be positive.")
        }
        guard kernelAngle.isFinite else { throw ValidationError("--kernel-angle must be a number of degrees.") }
        guard (0...100).contains(motionIntensity) else { throw ValidationError("--motion-intensity must be 0…100.") }
        guard (2...64).contains(factor) else { throw ValidationError("--factor must be 2…64.") }
        guard (1...100).contains(quality) else { throw ValidationError("--quality must be 1…100.") }
        guard (sigma ?? 1) > 0, (sigma ?? 1) <= 1 else {
            throw ValidationError("--sigma must be above 0 and at most 1.")
        }
        if task == .deblur, kernel == "bicubic" {
            throw ValidationError("The bicubic kernel belongs to a factor: use it with --task sr.")
        }
    }

    /// The operator that these flags describe.
    func specification(task: RestorationTask) -> OperatorSpecification {
        let sigma = sigma ?? 0.025
        switch task {
        case .deblur:
            return OperatorSpecification(task: task, kernel: kernelSpecification("gaussian"), sigma: sigma)
        case .inpaint:
            return OperatorSpecification(task: task, mask: mask, sigma: sigma)
        case .superResolution:
            return OperatorSpecification(
                task: task, kernel: kernelSpecification("bicubic"), factor: factor, sigma: sigma)
        case .jpeg:
            return OperatorSpecification(task: task, quality: quality, sigma: sigma)
        case .denoise, .compressedSensing:
            return OperatorSpecification(task: task, sigma: sigma)
        }
    }

    private func kernelSpecification(_ standard: String) -> OperatorSpecification.Kernel {
        let size = kernelSize ?? 9
        switch kernel ?? standard {
        case "gaussian" where task == .superResolution && kernelSize == nil:
            return .init(kind: .gaussianAntialias)
        case "gaussian":
            return .init(kind: .gaussian, size: size, variance: kernelVariance)
        case "uniform":
            return .init(kind: .uniform, size: size)
        case "bicubic":
            return .init(kind: .bicubic)
        case "anisotropic":
            return .init(
                kind: .anisotropic, size: size, sigma: kernelSigma, crossSigma: kernelCrossSigma, angle: kernelAngle)
        case "motion":
            return .init(
                kind: .motion, size: size, length: motionLength ?? 0.8 * Double(size - 1),
                intensity: motionIntensity, seed: kernelSeed)
        case let file:
            return .init(kind: .file, file: file)
        }
    }
}
