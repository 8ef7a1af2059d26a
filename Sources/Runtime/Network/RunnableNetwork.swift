/// A network with its weights on some device, as callers see it who only run it.
public protocol RunnableNetwork: AnyObject, Sendable {
    /// The inputs of a run, all of them required.
    var inputs: [NetworkInput] { get }
    /// The names of the activations that a run can return, sorted.
    var tapNames: [String] { get }
    /// The channels of the output.
    var outputChannels: Int { get }
    /// The multiple that both sides of an image must be of.
    var sizeMultiple: Int { get }
    /// Bytes of the device's memory that the network holds.
    var memoryInUse: Int { get }

    /// Runs the network on a batch; see ``Network/run(_:taps:adapters:profile:)``.
    /// - Throws: ``UD2MFormats/UD2MError``.
    func run(_ inputs: [String: Tensor], taps: [String], adapters: BatchAdapters, profile: OperationProfile?) throws
        -> [String: Tensor]

    /// Prepares weighted adapters for runs of this network; see ``Network/adapterSet(_:)``.
    /// - Throws: ``UD2MFormats/UD2MError``.
    func adapterSet(_ selections: [AdapterSelection]) throws -> AdapterSet

    /// Bytes of the device's memory that the network holds once it has run on inputs of these shapes, by name: it
    /// is not run.
    /// - Throws: `input-missing` or `input-shape`; `memory-exhausted`, also where the machine could not hold the images.
    func memoryNeeded(for shapes: [String: [Int]]) throws -> Int
}

extension RunnableNetwork {
    /// Runs the network alone on a batch; gives `out`.
    /// - Throws: as ``run(_:taps:adapters:profile:)``.
    public func run(_ inputs: [String: Tensor]) throws -> [String: Tensor] {
        try run(inputs, taps: [], adapters: .none, profile: nil)
    }
}
