import UD2MFormats
import UD2MRuntime

/// Times switching a network to adapters, and the network without them, in turn with its runs with them.
final class AdapterComparison {
    private let network: any RunnableNetwork
    private let inputs: [String: Tensor]
    private let selections: [AdapterSelection]
    private var switching: [Double] = []
    private var withoutAdapters: [Double] = []
    /// The adapters that the network runs with: prepared anew before each run, which so binds them anew as well.
    private(set) var current: AdapterSet

    /// Prepares the adapters of the network's runs.
    /// - Throws: ``UD2MFormats/UD2MError``.
    init(network: any RunnableNetwork, inputs: [String: Tensor], selections: [AdapterSelection]) throws {
        self.network = network
        self.inputs = inputs
        self.selections = selections
        current = try network.adapterSet(selections)
    }

    /// Runs the network without adapters once.
    func warmUp() throws { _ = try network.run(inputs) }

    /// Times both once.
    func measure() throws {
        switching.append(try BenchRun.seconds { current = try network.adapterSet(selections) })
        withoutAdapters.append(try BenchRun.seconds { _ = try network.run(inputs) })
    }

    /// The medians.
    var report: BenchReport.Adapters {
        BenchReport.Adapters(
            tensors: Set(selections.flatMap(\.adapter.changes.keys)).count, bytes: current.byteCount,
            secondsToSwitch: BenchReport.median(switching), secondsWithout: BenchReport.median(withoutAdapters))
    }
}
