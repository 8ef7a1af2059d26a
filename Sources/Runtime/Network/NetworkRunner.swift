/// What runs a network: ``Network`` on the CPU, ``CUDANetwork`` on a GPU.
package protocol NetworkRunner: Sendable {
    /// See ``Network/inputs``.
    var inputs: [NetworkInput] { get }
    /// See ``Network/tapNames``.
    var tapNames: [String] { get }
    /// See ``Network/outputChannels``.
    var outputChannels: Int { get }
    /// See ``Network/sizeMultiple``.
    var sizeMultiple: Int { get }
    /// By which sets of adapters know their network.
    var identity: NetworkIdentity { get }

    /// See ``Network/run(_:taps:adapters:external:profile:)``.
    func run(
        _ inputs: [String: Tensor], taps: [String], adapters: BatchAdapters, external: [String: ExternalFunction],
        profile: OperationProfile?
    ) throws -> [String: Tensor]

    /// See ``Network/adapterSet(_:)``.
    func adapterSet(_ selections: [AdapterSelection]) throws -> AdapterSet
}
