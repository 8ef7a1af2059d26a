import UD2MRuntime

/// Where in a run random numbers are used; with seed, item and sample it names them completely.
public enum NoiseDraw: Sendable, Hashable {
    /// The measurement noise of a simulated observation.
    case observation
    /// The choice of missing pixels of a simulated observation.
    case mask
    /// The noisy state x_T that the outer loop starts from.
    case initialState
    /// The fresh noise before one denoising: outer step and inner iteration, both from 0.
    case denoising(step: UInt16, iteration: UInt16)
    /// The fresh noise of the transition that ends an outer step; `part` tells several draws of one transition apart.
    case transition(step: UInt16, part: UInt16)
}

/// Gives the random numbers of a run.
///
/// A source may compute them from the draw's name (``PhiloxNoise``), replay a recording, or follow another
/// generator's order; a run asks for every draw once, in the order in which the algorithm uses them.
public protocol NoiseSource: Sendable {
    /// Independent standard normal values.
    /// - Parameters:
    ///   - draw: What they are for.
    ///   - sample: The index of the posterior sample, from 0.
    ///   - shape: The shape of the result.
    /// - Returns: A tensor of that shape.
    /// - Throws: `UD2MError` with code `noise-draw` when the source cannot give this draw.
    func normals(_ draw: NoiseDraw, sample: UInt32, shape: [Int]) throws -> Tensor

    /// Independent values uniform in [0, 1).
    /// - Parameters:
    ///   - draw: What they are for.
    ///   - sample: The index of the posterior sample, from 0.
    ///   - shape: The shape of the result.
    /// - Returns: A tensor of that shape.
    /// - Throws: `UD2MError` with code `noise-draw` when the source cannot give this draw.
    func uniforms(_ draw: NoiseDraw, sample: UInt32, shape: [Int]) throws -> Tensor
}
