import UD2MFormats
import UD2MRuntime

/// Draws images from the posterior p(x | y): the sampler of either flavour.
public protocol PosteriorSampler: Sendable {
    /// The denoiser's evaluations for one sample.
    var evaluationCount: Int { get }

    /// Draws samples of some indices side by side, all denoised in one run of the network.
    ///
    /// A sample depends on its index alone: the same bytes come whatever else is drawn beside it.
    /// - Parameters:
    ///   - indices: The samples, from 0 to 4 294 967 295.
    ///   - observation: y, NCHW in [-1, 1] units.
    ///   - monitor: Progress, what happens inside, and cancellation.
    /// - Returns: One tensor a sample, of the operator's image size.
    /// - Throws: `UD2MError` with code `cancelled` when the monitor says so, `not-finite` when the observation or a
    ///   denoised image is not finite, `sampler-configuration` for an index out of range, and the errors of operator,
    ///   denoiser and noise source.
    func draw(_ indices: Range<Int>, observation: Tensor, monitor: SamplerMonitor) throws -> [Tensor]
}

extension PosteriorSampler {
    /// Draws the sample of one index; the others need not be drawn.
    /// - Throws: As ``draw(_:observation:monitor:)``.
    public func sample(_ index: Int, observation: Tensor, monitor: SamplerMonitor = .silent) throws -> Tensor {
        guard index >= 0, index < .max else { throw UD2MError.noSample(index) }
        return try draw(index..<index + 1, observation: observation, monitor: monitor)[0]
    }

    /// Draws `count` samples, `batch` of them at a time, and hands each batch over before the next begins.
    /// - Parameters:
    ///   - count: S.
    ///   - batch: Samples in one run of the network; memory grows with it.
    ///   - observation: y.
    ///   - monitor: Progress over all samples.
    ///   - body: Takes the index of a sample and the sample.
    /// - Throws: As ``draw(_:observation:monitor:)``, `sampler-configuration` unless count and batch are positive, and
    ///   what `body` throws.
    public func forEachSample(
        count: Int, batch: Int = 1, observation: Tensor, monitor: SamplerMonitor = .silent,
        _ body: (Int, Tensor) throws -> Void
    ) throws {
        guard count > 0, batch > 0 else {
            throw UD2MError(.samplerConfiguration, "\(count) samples in batches of \(batch) cannot be drawn.")
        }
        for start in stride(from: 0, to: count, by: batch) {
            let end = min(start + batch, count)
            var part = monitor
            part.report = { fraction, label in
                let which = end - start == 1 ? "sample \(end) of \(count)" : "samples \(start + 1)…\(end) of \(count)"
                let done = Double(start) + fraction * Double(end - start)
                monitor.report(done / Double(count), count > 1 ? "\(which), \(label)" : label)
            }
            let samples = try draw(start..<end, observation: observation, monitor: part)
            for (offset, sample) in samples.enumerated() { try body(start + offset, sample) }
        }
    }
}

extension UD2MError {
    static func noSample(_ index: Int) -> UD2MError {
        UD2MError(.samplerConfiguration, "There is no sample \(index).")
    }
}
