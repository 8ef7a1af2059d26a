import Synchronization
import UD2MFormats

/// A network with its weights on a GPU: runs as ``Network`` does, within the rounding of its elements.
///
/// Runs on one network take turns. The first run with images of another size, or of another batch, makes a plan and
/// records its kernels as one graph. A result does not depend on the other items of its batch.
public final class CUDANetwork: Sendable {
    /// The inputs of ``run(_:taps:adapters:)``, all of them required.
    public let inputs: [NetworkInput]
    /// The names of the activations that a run can return, sorted.
    public let tapNames: [String]
    /// The channels of the output.
    public let outputChannels: Int
    /// The multiple that both sides of an image must be of.
    public let sizeMultiple: Int
    /// The type of the elements of maps and matrices.
    public let element: DeviceElement
    /// Where it runs.
    public let device: CUDADevice
}
