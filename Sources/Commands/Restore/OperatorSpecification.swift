import UD2MFormats

/// A forward operator and its noise as a JSON file keeps them (`schemas/operator.schema.json`).
///
/// `ud2m degrade` writes one beside each observation and `ud2m restore --operator` reads it.
struct OperatorSpecification: Encodable, Equatable {
    /// The version of this form.
    var version = 1
    var task: RestorationTask
    /// Blur kernel of deblurring, or the anti-aliasing kernel of super-resolution.
    var kernel: Kernel?
    /// How many times smaller than the image the observation is.
    var factor: Int?
    /// The mask image of inpainting, relative to this file: white pixels are known, black ones are missing.
    var mask: String?
    /// Quality of JPEG compression.
    var quality: Int?
    /// What compressed sensing measures.
    var measurement: Measurement?
    /// The operators of a stack, in the order of its observations.
    var parts: [OperatorSpecification]?
    /// Standard deviation of the noise, in units of the image range [0, 1]; of a stack, the smallest of its parts.
    var sigma: Double

    /// The most operators of a stack.
    static let mostParts = 16

    /// The files beside the operator file that it names.
    var files: [String] {
        [mask, kernel?.file, measurement?.matrix].compactMap { $0 } + (parts ?? []).flatMap(\.files)
    }

    /// Several operators as one.
    init(stacking parts: [OperatorSpecification]) {
        self.init(task: .stacked, sigma: parts.map(\.sigma).min() ?? 1)
        self.parts = parts
    }

    init(
        task: RestorationTask, kernel: Kernel? = nil, factor: Int? = nil, mask: String? = nil, quality: Int? = nil,
        sigma: Double
    ) {
        self.task = task
        self.kernel = kernel
        self.factor = factor
        self.mask = mask
        self.quality = quality
        self.sigma = sigma
    }
}

extension UD2MError.Code {
    /// An operator file is malformed.
    static let operatorFile = UD2MError.Code("operator-file", .badData)
    /// An operator file names a mask, kernel or matrix outside its folder.
    static let operatorMask = UD2MError.Code("operator-mask", .refused)
}
