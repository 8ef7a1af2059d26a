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
        try timed { try denoiser.predictNoise(x, timestep: timestep) }
    }

    private func timed<Result>(_ body: () throws -> Result) rethrows -> Result {
        let start = ContinuousClock.now
        defer {
            let elapsed = ContinuousClock.now - start
            total.withLock { $0 += elapsed }
        }
        return try body()
    }
}

extension TimedDenoiser: DeviceDenoiser {
    var arithmetic: DeviceArithmetic? { (denoiser as? any DeviceDenoiser)?.arithmetic }

    /// The denoiser's output; what the device had to do before is not counted, and it is done afterwards.
    /// - Throws: What the denoiser throws.
    func predictNoise(_ images: [DeviceTensor], timestep: Int) throws -> [DeviceTensor] {
        guard let denoiser = denoiser as? any DeviceDenoiser, let arithmetic else {
            throw UD2MError(.unexpected, "A denoiser on the CPU was given images of a device.")
        }
        try arithmetic.synchronize()
        return try timed {
            let noise = try denoiser.predictNoise(images, timestep: timestep)
            try arithmetic.synchronize()
            return noise
        }
    }
}
