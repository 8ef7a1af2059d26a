/// An input that a network takes.
public struct NetworkInput: Sendable, Hashable {
    /// What an input holds.
    public enum Kind: Sendable, Hashable {
        /// [N, channels, H, W] with both sides multiples of `sizeMultiple`.
        case image(channels: Int, sizeMultiple: Int)
        /// [N, channels, h, w] of any size; the network resizes it to the image.
        case lowResolutionImage(channels: Int)
        /// [N] timesteps, finite; a trained network expects 0…999, not only whole numbers.
        case timestep
        /// [N] class labels: whole numbers in 0..<count.
        case classLabel(count: Int)
    }

    /// The name under which ``Network/run(_:taps:)`` takes it.
    public let name: String
    /// What it holds.
    public let kind: Kind
}
