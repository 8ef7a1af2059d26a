import UD2MRuntime

/// Where a run reports its progress, and asks whether to go on.
public struct SamplerMonitor: Sendable {
    /// Called with the part of the work done, from 0 to 1, and a few words on what comes next.
    public var report: @Sendable (_ fraction: Double, _ label: String) -> Void
    /// Asked before every denoising; true ends the run with the error `cancelled`.
    public var isCancelled: @Sendable () -> Bool
    /// Called with what the run computes on the way, such as progressive images; nil to compute nothing for it.
    public var observe: (@Sendable (SamplerEvent) -> Void)?

    /// Creates a monitor; what is left out reports nothing and never cancels.
    public init(
        report: @escaping @Sendable (_ fraction: Double, _ label: String) -> Void = { _, _ in },
        isCancelled: @escaping @Sendable () -> Bool = { false }, observe: (@Sendable (SamplerEvent) -> Void)? = nil
    ) {
        self.report = report
        self.isCancelled = isCancelled
        self.observe = observe
    }

    /// Reports nothing and never cancels.
    public static let silent = SamplerMonitor()
}

/// A point of the sampler's loop at which its tensors can be looked at.
public enum SamplerPoint: String, Sendable, Hashable, CaseIterable {
    /// xₜ, at the start of an outer step.
    case state
    /// What the inner iterations start from.
    case start
    /// z, what the proximal step gave.
    case proximal
    /// z with fresh noise, what the denoiser is given.
    case noisy
    /// ε̂, what the denoiser gave.
    case predictedNoise
    /// x, denoised: the end of an inner iteration.
    case denoised
    /// x₀, the estimate of the clean image at the end of an outer step, in [-1, 1] when estimates are clamped.
    case estimate
    /// ε, the noise in xₜ if the last estimate were its clean image.
    case stateNoise
}

/// One tensor of a run.
public struct SamplerEvent: Sendable {
    /// What it is.
    public let point: SamplerPoint
    /// The index of the posterior sample.
    public let sample: UInt32
    /// The outer step, from 0.
    public let step: Int
    /// The inner iteration, from 0; nil for what belongs to the step.
    public let iteration: Int?
    /// The tensor.
    public let tensor: Tensor
}
