/// What runs a network inside another one: ``Network`` on the CPU, ``CUDANetwork`` on a GPU.
package protocol NetworkRunner: RunnableNetwork {
    /// By which sets of adapters know their network.
    var identity: NetworkIdentity { get }

    /// See ``Network/run(_:taps:adapters:external:profile:)``.
    func run(
        _ inputs: [String: Tensor], taps: [String], adapters: BatchAdapters, external: [String: ExternalFunction],
        profile: OperationProfile?
    ) throws -> [String: Tensor]
}
