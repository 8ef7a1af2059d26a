import UD2MFormats

extension UD2MError.Code {
    /// An image or observation does not have the shape that the forward operator works on.
    public static let operatorShape = Self("operator-shape", .usage)
    /// A parameter of a forward operator or proximal step is out of its range.
    public static let operatorParameter = Self("operator-parameter", .usage)
    /// A blur kernel is empty, not finite, of the wrong size, or cannot be normalised.
    public static let kernelInvalid = Self("kernel-invalid", .usage)
    /// A mask has the wrong size or impossible values.
    public static let maskInvalid = Self("mask-invalid", .usage)
    /// Conjugate gradients ended before the residual was small.
    public static let notConverged = Self("not-converged", .badData)
    /// A noise schedule or time grid breaks its rules.
    public static let scheduleInvalid = Self("schedule-invalid", .usage)
    /// A sampler setting is out of its range.
    public static let samplerConfiguration = Self("sampler-configuration", .usage)
    /// A noise source cannot give the draw that was asked for.
    public static let noiseDraw = Self("noise-draw", .usage)
    /// The denoiser or the observation holds a NaN or an infinity.
    public static let notFinite = Self("not-finite", .badData)
    /// The caller cancelled the run.
    public static let cancelled = Self("cancelled", .retry)
    /// The Fourier transform library failed.
    public static let transformFailed = Self("transform-failed", .internalBug)
    /// The Fourier transform library had no memory.
    public static let transformMemory = Self("transform-memory", .retry)
}
