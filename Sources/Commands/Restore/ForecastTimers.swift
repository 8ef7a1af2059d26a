import Synchronization
import UD2MFormats
import UD2MRuntime
import UD2MSampler

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

/// Stands in for a denoiser so that a sampler's own work can be timed: returns the noisy images and notes when it is called.
/// It ends the run by ``Enough`` when that has taken long enough to tell the rest.
final class SamplerTimer: Denoiser {
    /// The run has been timed.
    struct Enough: Error {}

    private struct Calls {
        var start = ContinuousClock.now
        var first: ContinuousClock.Instant?
        var last: ContinuousClock.Instant?
        var count = 0
    }

    private let denoiser: any Denoiser
    private let calls = Mutex(Calls())
    private let limit: Duration

    /// - Parameters:
    ///   - denoiser: Says where images lie; it is not run.
    ///   - limit: After which an iteration is the last.
    init(_ denoiser: any Denoiser, limit: Duration = .seconds(3)) {
        self.denoiser = denoiser
        self.limit = limit
    }

    func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor {
        try note()
        return x
    }

    /// Seconds that a sampler's own work takes for a sample, by the iterations that were run.
    func seconds(evaluations: Int) -> Double {
        calls.withLock { calls in
            guard let first = calls.first, let last = calls.last else { return 0 }
            // What came before the first call is the start and one iteration, which others are like.
            let before = (first - calls.start).seconds
            guard calls.count > 1 else { return before * Double(evaluations) }
            return before + (last - first).seconds / Double(calls.count - 1) * Double(evaluations - 1)
        }
    }

    private func note() throws {
        try calls.withLock { calls in
            let now = ContinuousClock.now
            calls.first = calls.first ?? now
            calls.last = now
            calls.count += 1
            if calls.count > 1, now - calls.start > limit { throw Enough() }
        }
    }
}

extension SamplerTimer: DeviceDenoiser {
    var arithmetic: DeviceArithmetic? { (denoiser as? any DeviceDenoiser)?.arithmetic }

    func predictNoise(_ images: [DeviceTensor], timestep: Int) throws -> [DeviceTensor] {
        try arithmetic?.synchronize()
        try note()
        return images
    }
}
