/// The parts of an operator file.
extension OperatorSpecification {
    /// A blur kernel by its parameters.
    struct Kernel: Encodable, Equatable {
        enum Kind: String, Encodable, CaseIterable {
            case gaussian
            case uniform
            case bicubic
            /// A Gaussian whose width follows from the factor.
            case gaussianAntialias = "gaussian-antialias"
            case anisotropic
            case motion
            /// The weights are in a file.
            case file
            /// The weights are here.
            case weights
        }

        var kind: Kind
        /// Side of the kernel in pixels; that of antialiasing kernels follows from the factor.
        var size: Int?
        /// Variance of the Gaussian in pixels².
        var variance: Double?
        /// Widths of the stretched Gaussian along and across its direction, in pixels.
        var sigma: Double?
        var crossSigma: Double?
        /// Direction of the stretched Gaussian, in degrees.
        var angle: Double?
        /// Pixels that the motion covers.
        var length: Double?
        /// How much the motion bends.
        var intensity: Double?
        /// What the motion is drawn from.
        var seed: UInt64?
        /// An `.npy` array or image with the weights, relative to the operator file.
        var file: String?
        /// Rows of weights.
        var weights: [[Double]]?
    }

    /// Measurements of compressed sensing.
    struct Measurement: Encodable, Equatable {
        /// The clean image's size.
        var height: Int
        var width: Int
        /// Rows of measurements of a random transform, its signs and coefficients drawn from `seed`.
        var rows: Int?
        var seed: UInt64?
        /// What the measurements are multiplied by, so that they fit an image.
        var scale: Double
        /// An `.npy` matrix instead of the random transform, relative to the operator file.
        var matrix: String?
    }
}
