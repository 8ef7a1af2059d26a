import Synchronization
import UD2MFormats
import UD2MRuntime

extension NoiseDraw {
    /// The draw's name on a tape, such as `"sample0/denoising/2/1"`: outer step 2, iteration 1.
    public func tapeName(sample: UInt32) -> String {
        let name =
            switch self {
            case .observation: "observation"
            case .mask: "mask"
            case .initialState: "initial-state"
            case .denoising(let step, let iteration): "denoising/\(step)/\(iteration)"
            case .transition(let step, let part): "transition/\(step)/\(part)"
            }
        return "sample\(sample)/\(name)"
    }
}

/// Recorded noise, to repeat a run of this toolkit or of another program draw by draw.
public struct NoiseTape: NoiseSource {
    /// The draws by ``NoiseDraw/tapeName(sample:)``.
    public let draws: [String: Tensor]
    /// The file that they come from, for errors.
    private let file: String?

    /// Creates a tape, read from `file`.
    public init(draws: [String: Tensor], file: String? = nil) {
        self.draws = draws
        self.file = file
    }

    /// The tape of one sample's draws in the order in which the paper's code makes them (`sampler.md` §7.6): the
    /// measurement's, the initial state, then a step's iterations and, but for the last step, the two of its transition.
    /// - Parameters:
    ///   - draws: The draws. What is more than a run needs comes first and is the measurement's, which is not drawn again.
    ///   - steps: The run's diffusion steps N, at least 1.
    ///   - iterations: The iterations K of each, at least 1.
    ///   - file: The file that they come from, for errors.
    /// - Throws: `UD2MError` with code `noise-draw` for fewer draws than such a run has.
    public init(inOrder draws: [Tensor], steps: Int, iterations: Int, file: String? = nil) throws {
        var order: [NoiseDraw] = [.initialState]
        for step in 0..<UInt16(clamping: steps) {
            order += (0..<UInt16(clamping: iterations)).map { .denoising(step: step, iteration: $0) }
            if step + 1 < steps { order += (0..<2).map { .transition(step: step, part: $0) } }
        }
        guard draws.count >= order.count else {
            throw UD2MError(
                .noiseDraw,
                "The noise tape has \(draws.count) draws; \(steps) steps of \(iterations) iterations have \(order.count).",
                at: .init(file: file), remedy: "Use the numbers of steps and iterations of the run that was recorded.")
        }
        let names = order.map { $0.tapeName(sample: 0) }
        self.init(draws: Dictionary(uniqueKeysWithValues: zip(names, draws.suffix(names.count))), file: file)
    }

    /// The recorded draw.
    /// - Throws: `UD2MError` with code `noise-draw`, which names it, when it is missing, has another shape or a value
    ///   that is no number.
    public func normals(_ draw: NoiseDraw, sample: UInt32, shape: [Int]) throws -> Tensor {
        try recorded(draw, sample, shape)
    }

    /// The recorded draw.
    /// - Throws: As ``normals(_:sample:shape:)``.
    public func uniforms(_ draw: NoiseDraw, sample: UInt32, shape: [Int]) throws -> Tensor {
        try recorded(draw, sample, shape)
    }

    private func recorded(_ draw: NoiseDraw, _ sample: UInt32, _ shape: [Int]) throws -> Tensor {
        let name = draw.tapeName(sample: sample)
        let place = UD2MError.Location(file: file, tensor: name)
        guard let tensor = draws[name] else {
            throw UD2MError(
                .noiseDraw, "The noise tape lacks this draw.", at: place,
                remedy: "Use the numbers of steps, iterations and samples of the run that was recorded.")
        }
        guard tensor.shape == shape else {
            throw UD2MError(
                .noiseDraw, "The recorded noise has shape \(tensor.shape) instead of \(shape).", at: place)
        }
        // Else it would be found in the image only, where nothing tells its origin.
        if let index = tensor.values.firstIndex(where: { !$0.isFinite }) {
            throw UD2MError(
                .noiseDraw, "The recorded noise has \(tensor.values[index]) as value \(index).", at: place)
        }
        return tensor
    }
}

/// Passes on another source's noise and keeps it for a tape.
public final class NoiseRecorder: NoiseSource {
    private let source: any NoiseSource
    private let kept = Mutex<[String: Tensor]>([:])

    /// Records a source.
    public init(_ source: any NoiseSource) { self.source = source }

    /// Everything drawn so far.
    public var tape: NoiseTape { NoiseTape(draws: kept.withLock { $0 }) }

    /// The source's normal values.
    /// - Throws: What the source throws.
    public func normals(_ draw: NoiseDraw, sample: UInt32, shape: [Int]) throws -> Tensor {
        try keeping(draw, sample) { try source.normals(draw, sample: sample, shape: shape) }
    }

    /// The source's uniform values.
    /// - Throws: What the source throws.
    public func uniforms(_ draw: NoiseDraw, sample: UInt32, shape: [Int]) throws -> Tensor {
        try keeping(draw, sample) { try source.uniforms(draw, sample: sample, shape: shape) }
    }

    private func keeping(_ draw: NoiseDraw, _ sample: UInt32, _ body: () throws -> Tensor) throws -> Tensor {
        let tensor = try body()
        kept.withLock { $0[draw.tapeName(sample: sample)] = tensor }
        return tensor
    }
}
