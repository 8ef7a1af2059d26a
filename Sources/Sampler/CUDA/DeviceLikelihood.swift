import UD2MFormats
import UD2MRuntime

/// The proximal step on a device: in closed form there for blurs, super-resolution, masks and noise alone, on the CPU for
/// every other operator.
struct DeviceLikelihood: LikelihoodStep {
    private let arithmetic: DeviceArithmetic
    private let form: Form
    private let host: HostLikelihood

    /// How an operator's step is taken; spectra are those of the observation.
    private enum Form {
        case blur(transfer: DeviceTensor, observed: DeviceTensor)
        case superResolution(transfer: DeviceTensor, observed: DeviceTensor, factor: Int)
        /// The observation, and the mask unless all is observed.
        case mask(observed: DeviceTensor, DeviceTensor?)
        case host
    }

    /// The device transforms in float32, whose rounding a step of weight τ enlarges up to 1/(2√τ)-fold. Smaller weights
    /// could cost more than 10⁻⁴ of the image's range, and are left to the CPU's double precision. (At 10⁻⁶, NumPy's float32
    /// transforms cost 10⁻⁵ of it for three blurs of 256×256 pixels.)
    static let smallestWeight = 1e-6

    /// Brings what an operator's steps need to the device.
    /// - Throws: `UD2MError` with code `operator-shape` for an observation that does not fit, and the device's errors.
    init(
        _ forwardOperator: any ForwardOperator, observation: Tensor, on arithmetic: DeviceArithmetic
    ) throws {
        self.arithmetic = arithmetic
        host = HostLikelihood(forwardOperator: forwardOperator, observation: observation)
        form = try Self.form(forwardOperator, observation, arithmetic)
    }

    private static func form(
        _ forwardOperator: any ForwardOperator, _ observation: Tensor, _ arithmetic: DeviceArithmetic
    ) throws -> Form {
        guard let linear = forwardOperator as? any LinearForwardOperator,
            max(linear.imageSize.height, linear.imageSize.width) <= DeviceArithmetic.longestSide
        else { return .host }
        try ImageShape(observation, name: "observation").require(
            height: linear.observationSize.height, width: linear.observationSize.width, name: "observation")
        func observed() throws -> DeviceTensor { try arithmetic.upload(observation) }
        func spectrum() throws -> DeviceTensor { try arithmetic.spectrum(DeviceMix(observed())) }
        switch forwardOperator {
        case let blurred as Deblurring:
            return .blur(transfer: try arithmetic.upload(blurred.blur.transferTensor), observed: try spectrum())
        case let reduced as SuperResolution:
            return .superResolution(
                transfer: try arithmetic.upload(reduced.blur.transferTensor), observed: try spectrum(),
                factor: reduced.factor)
        case let inpainting as Inpainting:
            let kept = inpainting.mask.kept.map { Float($0 ? 1 : 0) }
            return .mask(
                observed: try observed(),
                try arithmetic.upload(
                    Tensor(shape: [inpainting.mask.height, inpainting.mask.width], values: kept)))
        case is Denoising: return .mask(observed: try observed(), nil)
        default: return .host
        }
    }

    func proximal(anchor: DeviceTensor, state: DeviceTensor, _ scalars: ProximalScalars) throws -> DeviceTensor {
        let weight = scalars.mergedWeight
        let mean = try DeviceMix(state, scalars.stateWeight, anchor, scalars.anchorWeight)
        switch form {
        case .mask(let observed, let mask):
            return try arithmetic.masked(mean, observed: observed, mask: mask, weight: weight)
        case .blur(let transfer, let observed) where weight >= Self.smallestWeight:
            return try arithmetic.filtered(mean, .tikhonov(transfer, observed: observed, weight: weight))
        case .superResolution(let transfer, let observed, let factor) where weight >= Self.smallestWeight:
            return try arithmetic.superResolved(
                mean, transfer: transfer, observed: observed, factor: factor, weight: weight)
        case .blur, .superResolution, .host:
            return try arithmetic.upload(
                host.proximal(
                    anchor: arithmetic.download(anchor), state: arithmetic.download(state), scalars))
        }
    }
}

extension CircularBlur {
    /// Λ as a device takes it, [H, W, 2].
    var transferTensor: Tensor {
        get throws {
            try Tensor(shape: [fourier.rows, fourier.columns, 2], values: transfer.map { Float($0) })
        }
    }
}
