import Synchronization
import UD2MFormats
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

/// Runs and times one evaluation of a denoiser, once for every size of image.
final class EvaluationTimer {
    private let denoiser: any Denoiser
    private var known: [[Int]: Double] = [:]

    init(_ denoiser: any Denoiser) { self.denoiser = denoiser }

    /// The seconds that an evaluation takes on images of a shape.
    /// - Throws: What the denoiser throws.
    func seconds(_ shape: [Int]) throws -> Double {
        if let known = known[shape] { return known }
        let start = ContinuousClock.now
        _ = try denoiser.predictNoise(try Tensor(shape: shape, repeating: 0), timestep: 500)
        let seconds = (ContinuousClock.now - start).seconds
        known[shape] = seconds
        return seconds
    }
}
