/// The fastest algorithm of every shape of 3×3 convolution in a network, as measured on one machine
/// (`schemas/algorithms.schema.json`).
///
/// Without a table networks choose by a cost model that gives the same everywhere. With one they round differently
/// wherever it says so, within what their ``Precision`` allows.
public struct AlgorithmTable: Codable, Sendable, Hashable {
    /// A way to compute a 3×3 convolution of stride 1.
    public enum Algorithm: String, Codable, Sendable, Hashable, CaseIterable {
        case direct
        case winograd2
        case winograd4
    }

    /// What the time of a convolution depends on.
    public struct Shape: Codable, Sendable, Hashable {
        /// The input's blocks of sixteen channels.
        public var inputBlocks: Int
        /// The output's blocks of sixteen channels.
        public var outputBlocks: Int
        /// The output's height in pixels.
        public var height: Int
        /// The output's width in pixels.
        public var width: Int

        /// Creates a shape.
        public init(inputBlocks: Int, outputBlocks: Int, height: Int, width: Int) {
            self.inputBlocks = inputBlocks
            self.outputBlocks = outputBlocks
            self.height = height
            self.width = width
        }
    }

    /// The measured times of one shape.
    public struct Entry: Codable, Sendable, Hashable {
        /// What was measured.
        public var shape: Shape
        /// The best of a few runs in seconds, by the name of the algorithm.
        public var seconds: [String: Double]

        /// Creates an entry.
        public init(shape: Shape, seconds: [String: Double]) {
            self.shape = shape
            self.seconds = seconds
        }
    }

    /// The version of this form.
    public var version = 1
    /// The kernels' tier that was measured.
    public var instructionSet: String
    /// The threads that it was measured with.
    public var threads: Int
    /// One entry a shape.
    public var entries: [Entry]

    /// Creates a table.
    public init(instructionSet: String, threads: Int, entries: [Entry]) {
        self.instructionSet = instructionSet
        self.threads = threads
        self.entries = entries
    }

    /// The fastest of some algorithms for a shape, or nil where none of them was measured.
    func fastest(of candidates: [Algorithm], for shape: Shape) -> Algorithm? {
        guard let seconds = entries.first(where: { $0.shape == shape })?.seconds else { return nil }
        return candidates.filter { seconds[$0.rawValue] != nil }.min {
            (seconds[$0.rawValue] ?? .infinity) < (seconds[$1.rawValue] ?? .infinity)
        }
    }
}
