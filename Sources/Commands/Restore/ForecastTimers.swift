import Synchronization
import UD2MFormats
import UD2MRuntime
import UD2MSampler

/// What a dry run times, once for all images of a size.
final class ForecastTimers {
    let evaluation: EvaluationTimer
    private var samplerSeconds: [[Int]: Double] = [:]

    init(_ denoiser: any Denoiser) { evaluation = EvaluationTimer(denoiser) }

    /// The seconds of a sampler's own work on images of a size; `time` measures them.
    func sampler(height: Int, width: Int, _ time: () throws -> Double) rethrows -> Double {
        if let known = samplerSeconds[[height, width]] { return known }
        let seconds = try time()
        samplerSeconds[[height, width]] = seconds
        return seconds
    }
}

/// Runs and times evaluations of a denoiser, once for every size of image.
final class EvaluationTimer {
    private let denoiser: any Denoiser
    private let limit: Double
    private var known: [[Int]: Double] = [:]

    /// - Parameters:
    ///   - denoiser: What is timed.
    ///   - limit: Seconds that an evaluation may be expected to take; longer ones are told from those of smaller images.
    init(_ denoiser: any Denoiser, limit: Double = 8) {
        self.denoiser = denoiser
        self.limit = limit
    }

    /// The seconds that an evaluation takes on images of a shape.
    ///
    /// Smaller images come first, of half the sides again and again; where the next would take too long, what is left is
    /// told by a share that grows with the pixels and one that grows with their square, as attention's does.
    /// - Throws: What the denoiser throws.
    func seconds(_ shape: [Int]) throws -> Double {
        if let known = known[shape] { return known }
        var halvings = 0
        while pixels(shape, halvings) > Self.smallest { halvings += 1 }
        var growth = EvaluationGrowth(pixels: pixels(shape, halvings), seconds: try evaluate(shape, halvings))
        while halvings > 0, growth.seconds(pixels: pixels(shape, halvings - 1)) < limit {
            halvings -= 1
            growth.add(pixels: pixels(shape, halvings), seconds: try evaluate(shape, halvings))
        }
        let seconds = growth.seconds(pixels: pixels(shape, 0))
        known[shape] = seconds
        return seconds
    }

    /// Pixels of the first image that is timed, at most.
    private static let smallest = 128 * 128

    private func sides(_ shape: [Int], _ halvings: Int) -> [Int] {
        Array(shape.prefix(2)) + shape.dropFirst(2).map { max($0 >> halvings, 1) }
    }

    private func pixels(_ shape: [Int], _ halvings: Int) -> Int { sides(shape, halvings).dropFirst(2).reduce(1, *) }

    private func evaluate(_ shape: [Int], _ halvings: Int) throws -> Double {
        let images = try Tensor(shape: sides(shape, halvings), repeating: 0)
        func time() throws -> Double {
            let start = ContinuousClock.now
            _ = try denoiser.predictNoise(images, timestep: 500)
            return (ContinuousClock.now - start).seconds
        }
        let first = try time()
        // The first run prepares the network, which counts where it is short.
        return first > 1 ? first : try time()
    }
}

/// How the time of an evaluation grows with the image.
package struct EvaluationGrowth {
    private var last: (pixels: Double, seconds: Double)
    /// Seconds a pixel, and a pixel's square.
    private var linear: Double
    private var square = 0.0

    /// Starts with one measurement: time grows with the pixels.
    package init(pixels: Int, seconds: Double) {
        last = (Double(pixels), seconds)
        linear = seconds / Double(pixels)
    }

    /// Learns from the next larger image; the latest two tell how time grows.
    package mutating func add(pixels: Int, seconds: Double) {
        let next = (pixels: Double(pixels), seconds: seconds)
        let rise = (next.seconds / next.pixels - last.seconds / last.pixels) / (next.pixels - last.pixels)
        square = min(max(rise, 0), next.seconds / (next.pixels * next.pixels))
        linear = next.seconds / next.pixels - square * next.pixels
        last = next
    }

    /// The seconds for an image.
    package func seconds(pixels: Int) -> Double { (linear + square * Double(pixels)) * Double(pixels) }
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
