import Synchronization
import UD2MRuntime
import UD2MSampler

/// Passes on a denoiser's output and adds up the time that it takes.
final class TimedDenoiser: Denoiser {
    private let denoiser: any Denoiser
    private let total = Mutex(Duration.zero)

    init(_ denoiser: any Denoiser) { self.denoiser = denoiser }

    /// The time spent in the denoiser so far.
    var duration: Duration { total.withLock { $0 } }

    /// The denoiser's output.
    /// - Throws: What the denoiser throws.
    func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor {
        let start = ContinuousClock.now
        defer {
            let elapsed = ContinuousClock.now - start
            total.withLock { $0 += elapsed }
        }
        return try denoiser.predictNoise(x, timestep: timestep)
    }
}
