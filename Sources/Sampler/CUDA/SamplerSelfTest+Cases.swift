import UD2MFormats
import UD2MRuntime

/// The cases of `ud2m cuda-selftest` for samplers: between them they launch every kernel that networks do not run on.
extension SamplerSelfTest {
    package static let cases: [Case] = [noise, noisySum, clampedSum, totals, blur, correlation] + likelihoods

    /// One unit in the last place of the largest value: how far a draw may be where rounding is a near tie.
    private static let lastPlace = 1.2e-7
    /// Roundings of two transforms of a few hundred numbers in float32, at 6·10⁻⁸ each.
    private static let transforms = 1e-5

    private static let images = [2, 3, 12, 20]

    /// Normal values that a seed names.
    private static func values(_ seed: UInt64, _ shape: [Int] = images) throws -> Tensor {
        try PhiloxNoise(seed: seed).normals(.observation, sample: 0, shape: shape)
    }

    private static let draw = NoiseDraw.transition(step: 3, part: 1)

    private static let noise = Case(name: "noise", bound: lastPlace) {
        try PhiloxNoise(seed: 5, item: 2).normals(draw, sample: 7, shape: [1, 1, 7, 613])
    } onDevice: { arithmetic in
        let draw = PhiloxNoise(seed: 5, item: 2).deviceDraw(draw, sample: 7)
        return try arithmetic.download(arithmetic.normals(draw, shape: [1, 1, 7, 613]))
    }

    private static let noisySum = Case(name: "noise added", bound: lastPlace) {
        try values(1).combined(0.75, PhiloxNoise(seed: 5).normals(draw, sample: 7, shape: images), 0.3)
    } onDevice: { arithmetic in
        let draw = PhiloxNoise(seed: 5).deviceDraw(draw, sample: 7)
        return try arithmetic.download(arithmetic.noisy(arithmetic.upload(values(1)), 0.75, draw, 0.3))
    }

    /// Exact: products and sums of doubles, rounded once.
    private static let clampedSum = Case(name: "weighted sum", bound: 0) {
        try values(1).combined(0.8, values(2), -0.6).clamped()
    } onDevice: { arithmetic in
        let mix = try DeviceMix(arithmetic.upload(values(1)), 0.8, arithmetic.upload(values(2)), -0.6)
        return try arithmetic.download(arithmetic.sum(mix, isClamped: true))
    }

    /// In double precision, in another order.
    private static let totals = Case(name: "totals", bound: 1e-6) {
        let (left, right) = (try values(1), try values(2))
        let count = left.values.count / 2
        let totals = DeviceTotal.allCases.flatMap { kind in
            [0, count].map { start in
                let pairs = zip(left.values[start..<start + count], right.values[start..<start + count])
                    .map { (Double($0), Double($1)) }
                return switch kind {
                case .sum: pairs.reduce(0) { $0 + $1.0 }
                case .squares: pairs.reduce(0) { $0 + $1.0 * $1.0 }
                case .products: pairs.reduce(0) { $0 + $1.0 * $1.1 }
                case .squaredDifferences: pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
                case .largest: pairs.reduce(0) { max($0, abs($1.0)) }
                }
            }
        }
        return try Tensor(shape: [totals.count], values: totals.map { Float($0) })
    } onDevice: { arithmetic in
        let (left, right) = (try arithmetic.upload(values(1)), try arithmetic.upload(values(2)))
        let totals = try DeviceTotal.allCases.flatMap { try arithmetic.totals($0, left, right, groups: 2) }
        return try Tensor(shape: [totals.count], values: totals.map { Float($0) })
    }

    /// A kernel whose transfer function is complex.
    private static func operators() throws -> Deblurring {
        try Deblurring(
            kernel: .anisotropic(size: 4, sigma: 2, crossSigma: 0.7, angle: 0.5), height: images[2], width: images[3])
    }

    private static let blur = Case(name: "blur", bound: transforms) {
        try operators().apply(values(1))
    } onDevice: { arithmetic in
        let transfer = try arithmetic.upload(operators().blur.transferTensor)
        let mix = try DeviceMix(arithmetic.upload(values(1)))
        return try arithmetic.download(arithmetic.filtered(mix, .blur(transfer)))
    }

    private static let correlation = Case(name: "blur and correlation", bound: transforms) {
        let blur = try operators()
        return try Tensor.batch([blur.adjoint(values(1)), blur.gram(values(1))])
    } onDevice: { arithmetic in
        let transfer = try arithmetic.upload(operators().blur.transferTensor)
        let mix = try DeviceMix(arithmetic.upload(values(1)))
        return try Tensor.batch([
            arithmetic.download(arithmetic.filtered(mix, .adjoint(transfer))),
            arithmetic.download(arithmetic.filtered(mix, .power(transfer))),
        ])
    }

    /// The proximal steps, at sizes that are powers of two and not.
    private static let likelihoods: [Case] = [
        likelihood("deblurring", [2, 3, 12, 20]) { try operators() },
        likelihood("deblurring, few pixels", [1, 3, 2, 3]) {
            try Deblurring(kernel: .gaussian(size: 2, variance: 1), height: 2, width: 3)
        },
        likelihood("deblurring, powers of two", [1, 2, 16, 32]) {
            try Deblurring(kernel: .gaussian(size: 5, variance: 2), height: 16, width: 32)
        },
        likelihood("super-resolution", [1, 3, 24, 20]) {
            try SuperResolution(factor: 4, kernel: .bicubic(factor: 4), height: 24, width: 20)
        },
        likelihood("inpainting", [2, 3, 9, 33], bound: 0) {
            try Inpainting(
                mask: .random(height: 9, width: 33, keptFraction: 0.5, noise: PhiloxNoise(seed: 4)))
        },
        likelihood("denoising", [1, 1, 5, 7], bound: 0) { try Denoising(height: 5, width: 7) },
    ]

    private static func likelihood(
        _ name: String, _ shape: [Int], bound: Double = transforms,
        _ make: @escaping @Sendable () throws -> any ForwardOperator
    ) -> Case {
        let scalars: @Sendable () throws -> ProximalScalars = {
            try ProximalScalars(
                noiseLevel: 0.1, dataWeight: 0.7, stateScale: 0.6, stateNoiseLevel: 1.3, stepSize: 0.2)
        }
        let observation: @Sendable (any ForwardOperator) throws -> Tensor = { try $0.apply(values(1, shape)) }
        return Case(name: name, bound: bound) {
            let forward = try make()
            return try HostLikelihood(forwardOperator: forward, observation: observation(forward))
                .proximal(anchor: values(2, shape), state: values(3, shape), scalars())
        } onDevice: { arithmetic in
            let forward = try make()
            let likelihood = try DeviceLikelihood(forward, observation: observation(forward), on: arithmetic)
            return try arithmetic.download(
                likelihood.proximal(
                    anchor: arithmetic.upload(values(2, shape)), state: arithmetic.upload(values(3, shape)), scalars()))
        }
    }
}
