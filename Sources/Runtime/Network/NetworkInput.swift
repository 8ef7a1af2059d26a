/// An input that a network takes.
public struct NetworkInput: Sendable, Hashable {
    /// What an input holds.
    public enum Kind: Sendable, Hashable {
        /// [N, channels, H, W] with sides that the network can take.
        case image(channels: Int, sides: Sides)
        /// [N, channels, h, w] of any size; the network resizes it to the image.
        case lowResolutionImage(channels: Int)
        /// [N] timesteps, 0 or more and below ``NetworkInput/timesteps``, not only whole numbers.
        case timestep
        /// [N] class labels: whole numbers in 0..<count.
        case classLabel(count: Int)
    }

    /// The heights and widths in pixels that an image may have.
    public struct Sides: Sendable, Hashable {
        /// The smallest side.
        public let minimum: Int
        /// The largest side; that of ``Network/maximumSide`` unless the network needs one size.
        public let maximum: Int
        /// What both sides must be a multiple of.
        public let multiple: Int

        /// Creates a rule for both sides.
        public init(minimum: Int = 1, maximum: Int = Network.maximumSide, multiple: Int = 1) {
            self.minimum = minimum
            self.maximum = maximum
            self.multiple = multiple
        }

        /// Whether an image may have a side of this length.
        public func contains(_ side: Int) -> Bool {
            side >= minimum && side <= maximum && side % multiple == 0
        }

        /// "1 to 16384", "a multiple of 8 up to 16384", "75 to 16384", "32".
        var description: String {
            if minimum == maximum { return "\(minimum)" }
            if multiple == 1 { return "\(minimum) to \(maximum)" }
            return "a multiple of \(multiple)" + (minimum > multiple ? " from \(minimum)" : "") + " up to \(maximum)"
        }
    }

    /// The timesteps that these networks were trained with. Those of longer schedules see theirs scaled to this range.
    public static let timesteps = 1000

    /// The name under which ``Network/run(_:taps:adapters:profile:)`` takes it.
    public let name: String
    /// What it holds.
    public let kind: Kind

    package init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }
}
