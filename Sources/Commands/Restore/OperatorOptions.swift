import ArgumentParser
import UD2MFormats

/// The forward operator: flags that `degrade` and `restore` share.
struct OperatorOptions: ParsableArguments {
    @Option(help: "What was done to the image: deblur, inpaint or sr.")
    var task: RestorationTask?

    @Option(help: "Blur kernel: gaussian or uniform.")
    var kernel: KernelChoice = .gaussian

    @Option(name: .customLong("kernel-size"), help: "Side of the blur kernel in pixels.")
    var kernelSize = 9

    @Option(name: .customLong("kernel-variance"), help: "Variance of the Gaussian kernel in pixels².")
    var kernelVariance = 3.0

    @Option(help: "How many times smaller the observation is (sr).")
    var factor = 4

    @Option(help: ArgumentHelp("Mask image: white pixels are known, black ones missing (inpaint).", valueName: "png"))
    var mask: String?

    @Option(help: "Standard deviation of the noise, in units of the image range [0, 1].")
    var sigma = 0.025

    /// The kernels that deblurring takes by name.
    enum KernelChoice: String, ExpressibleByArgument, CaseIterable {
        case gaussian
        case uniform
    }

    mutating func validate() throws {
        guard (1...255).contains(kernelSize) else { throw ValidationError("--kernel-size must be 1…255.") }
        guard kernelVariance > 0, kernelVariance.isFinite else {
            throw ValidationError("--kernel-variance must be positive.")
        }
        guard (2...64).contains(factor) else { throw ValidationError("--factor must be 2…64.") }
        guard sigma > 0, sigma <= 1 else { throw ValidationError("--sigma must be above 0 and at most 1.") }
    }

    /// The operator that these flags describe.
    func specification(task: RestorationTask) -> OperatorSpecification {
        switch task {
        case .deblur:
            let isGaussian = kernel == .gaussian
            return OperatorSpecification(
                task: task,
                kernel: .init(
                    kind: isGaussian ? .gaussian : .uniform, size: kernelSize,
                    variance: isGaussian ? kernelVariance : nil),
                sigma: sigma)
        case .inpaint:
            return OperatorSpecification(task: task, mask: mask, sigma: sigma)
        case .superResolution:
            return OperatorSpecification(task: task, kernel: .init(kind: .bicubic), factor: factor, sigma: sigma)
        }
    }
}
