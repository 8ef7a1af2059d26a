import UD2MFormats

/// What changes a network for a task: a small change for each of some of its tensors.
///
/// Use it with a network in one of two ways. Merged when the network is loaded
/// (``Network/init(store:threads:precision:algorithms:merging:)``), it costs nothing at run time. As part of an
/// ``AdapterSet`` it is applied beside weights that stay as they are, so that one loaded network serves many adapters.
public struct NetworkAdapter: Sendable, Hashable {
    /// The changes by the full name of the network's tensor, such as `middle_block.1.qkv.weight`.
    public let changes: [String: WeightChange]

    /// Creates an adapter from changes in memory.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `change-rank`, `change-shape` or `change-not-finite` and the tensor's
    ///   name.
    public init(changes: [String: WeightChange]) throws {
        for (name, change) in changes.sorted(by: { $0.key < $1.key }) { try change.validate(name) }
        self.changes = changes
    }
}

/// An adapter and how strongly it is applied.
public struct AdapterSelection: Sendable, Hashable {
    /// The adapter.
    public var adapter: NetworkAdapter
    /// What every change is multiplied by: 1 applies the adapter as it was trained. A replacement R of W counts as the
    /// change R − W.
    public var weight: Double

    /// Selects an adapter.
    public init(_ adapter: NetworkAdapter, weight: Double = 1) {
        self.adapter = adapter
        self.weight = weight
    }
}
