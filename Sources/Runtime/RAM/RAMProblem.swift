import UD2MFormats

/// What the RAM network restores images from: observations yᵢ = Aᵢx + noise, on the scale of images in [0, 1].
public struct RAMProblem: Sendable {
    /// yᵢ: one tensor [N, C, H, W] for every measurement, all of the same images.
    public var observations: [Tensor]
    /// Aᵢ; several are one linear map to a list of observations, whose noise the caller has made equal
    /// (``ScaledMeasurement``).
    public var measurements: [any LinearMeasurement]
    /// The standard deviation of Gaussian noise; nil when unknown.
    public var sigma: RAMNoiseLevel?
    /// The gain of Poisson noise; nil when there is none.
    public var gain: RAMNoiseLevel?

    /// Restoring images from one observation of each.
    public init(
        observation: Tensor, through measurement: any LinearMeasurement = IdentityMeasurement(),
        sigma: RAMNoiseLevel? = nil, gain: RAMNoiseLevel? = nil
    ) {
        self.init(observations: [observation], through: [measurement], sigma: sigma, gain: gain)
    }

    /// Restoring images from several observations of each.
    public init(
        observations: [Tensor], through measurements: [any LinearMeasurement], sigma: RAMNoiseLevel? = nil,
        gain: RAMNoiseLevel? = nil
    ) {
        self.observations = observations
        self.measurements = measurements
        self.sigma = sigma
        self.gain = gain
    }
}

/// A noise level that the RAM network is told, on the scale of images in [0, 1].
public enum RAMNoiseLevel: Sendable, Hashable {
    /// One for all images.
    case uniform(Double)
    /// One an image.
    case perImage([Double])
    /// One a pixel: [N, 1, H, W] of the images' size.
    case map(Tensor)
}

extension RAMProblem {
    /// The number of images, after checking that everything belongs together.
    /// - Throws: `input-shape` with the tensor `y`, `sigma` or `gain`; `input-range` for values that are not finite, and
    ///   for negative noise levels.
    func checkedCount() throws -> Int {
        guard let first = observations.first, observations.count == measurements.count else {
            throw Self.error(
                .inputShape, "y", "\(observations.count) observations do not belong to \(measurements.count) operators."
            )
        }
        for observation in observations {
            guard observation.shape.count == 4, observation.shape.allSatisfy({ $0 > 0 }),
                observation.shape[0] == first.shape[0]
            else {
                throw Self.error(
                    .inputShape, "y", "The shape is \(observation.shape); it must be [N, C, H, W] with one N.")
            }
            if let index = observation.values.firstIndex(where: { !$0.isFinite }) {
                throw Self.error(
                    .inputRange, "y",
                    "\(observation.values[index]) at index \(observation.position(of: index)) is no finite number.")
            }
        }
        try sigma?.check("sigma", count: first.shape[0])
        try gain?.check("gain", count: first.shape[0])
        return first.shape[0]
    }

    /// The problem of one of the images.
    func item(_ index: Int) throws -> RAMProblem {
        RAMProblem(
            observations: try observations.map { try $0.item(index) }, through: measurements,
            sigma: try sigma?.item(index), gain: try gain?.item(index))
    }

    static func error(_ code: UD2MError.Code, _ tensor: String, _ message: String) -> UD2MError {
        UD2MError(code, message, at: .init(tensor: tensor))
    }
}

extension RAMNoiseLevel {
    fileprivate func check(_ name: String, count: Int) throws {
        let values: [Double]
        switch self {
        case .uniform(let value): values = [value]
        case .perImage(let levels):
            guard levels.count == count else {
                throw RAMProblem.error(.inputShape, name, "There are \(levels.count) levels for \(count) images.")
            }
            values = levels
        case .map(let map):
            guard map.shape.count == 4, map.shape[0] == count, map.shape[1] == 1 else {
                throw RAMProblem.error(.inputShape, name, "The shape is \(map.shape); it must be [\(count), 1, H, W].")
            }
            values = map.values.map { Double($0) }
        }
        guard values.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
            throw RAMProblem.error(.inputRange, name, "Noise levels must be finite and not negative.")
        }
    }

    /// The level of one image.
    fileprivate func item(_ index: Int) throws -> RAMNoiseLevel {
        switch self {
        case .uniform: self
        case .perImage(let levels): .uniform(levels[index])
        case .map(let map): .map(try map.item(index))
        }
    }
}
