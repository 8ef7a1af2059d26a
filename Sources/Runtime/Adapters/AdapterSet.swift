import UD2MFormats

/// Weighted adapters, ready to be applied to a loaded network beside its weights (``Network/adapterSet(_:)``).
///
/// Holds the adapters' own numbers and nothing of the network, but for tensors that are changed as a whole, such as those
/// of the final layer. Making one takes some milliseconds; a run may give each item of its batch another one.
public final class AdapterSet: Sendable {
    /// Which plan it runs on.
    let structure: AdapterStructure
    /// The network it was made for.
    let network: NetworkIdentity
    private let contents: Contents

    /// Bytes of memory it holds, on a device for a network on one.
    public var byteCount: Int {
        switch contents {
        case .host(let weights): weights.byteCount
        case .device(let weights): weights.layout.byteCount
        }
    }

    /// The weights never change, so that they may be read from anywhere.
    private enum Contents: @unchecked Sendable {
        case host(PackedWeights)
        case device(DeviceWeights)
    }

    /// Prepares adapters for a network on the CPU.
    /// - Throws: as ``Network/adapterSet(_:)``.
    init(
        _ selections: [AdapterSelection], for network: NetworkIdentity, sites: WeightSites,
        base: (String) throws -> StoredTensor?
    ) throws {
        let sources = try AdapterSources(selections, sites: sites, isWhole: false, base: base)
        structure = sources.structure
        self.network = network
        contents = .host(
            try PackedWeights(users: sources.users, names: Set(sources.tensors.keys), pool: nil) {
                sources.tensors[$0]
            })
    }

    /// Adapters for a network on a device, which has their weights.
    init(_ structure: AdapterStructure, for network: NetworkIdentity, on device: DeviceWeights) {
        self.structure = structure
        self.network = network
        contents = .device(device)
    }

    /// The weights that the set has in place of the network's, or beside them; nil for one that it does not have.
    func weights(holding name: String) -> PackedWeights? {
        if case .host(let weights) = contents, weights.holds(name) { weights } else { nil }
    }

    /// The weights on a device.
    var deviceWeights: DeviceWeights? { if case .device(let weights) = contents { weights } else { nil } }
}

/// What adapters change in a network, as tensors that are not yet in the form of a backend.
struct AdapterSources {
    private(set) var structure = AdapterStructure()
    /// The operations that read the tensors.
    private(set) var users: [WeightUser] = []
    /// Of an operation only what the adapters have, not its other tensors.
    private(set) var tensors: [String: StoredTensor] = [:]

    /// Collects the changes; `isWhole` as of ``JoinedFactors``.
    /// - Throws: as ``Network/adapterSet(_:)``.
    init(
        _ selections: [AdapterSelection], sites: WeightSites, isWhole: Bool, base: (String) throws -> StoredTensor?
    ) throws {
        let changes = try CombinedChanges(selections, sites: sites)
        for (name, steps) in changes.steps.sorted(by: { $0.key < $1.key }) {
            guard let site = sites[name] else { continue }
            var whole = steps
            if let factors = try JoinedFactors(steps, beside: site, weight: name, isWhole: isWhole) {
                structure.ranks[name] = SidePath.padded(factors.rank)
                users += factors.users
                tensors.merge(factors.tensors) { $1 }
                whole.removeAll { $0.change.isLowRank }
            }
            guard !whole.isEmpty, let original = try base(name) else { continue }
            try Self.requireReplaceable(site, name)
            structure.replaced.insert(name)
            users.append(WeightUser(operation: site.operation, runs: site.runs, strides: site.strides))
            tensors[name] = try whole.applied(to: original)
        }
    }

    /// A normalisation folded into a convolution's weights would have to be folded again.
    private static func requireReplaceable(_ site: WeightSites.Site, _ name: String) throws {
        guard case .convolution(let convolution) = site.operation, convolution.normalization != nil else { return }
        throw UD2MError(
            .changeUnsupported, "The tensor is folded into others when the network is loaded.",
            at: .init(tensor: name), remedy: "Merge the adapter into the network instead.")
    }
}

/// What a set of adapters asks of a plan: sets that agree in it run on the same one.
package struct AdapterStructure: Sendable, Hashable {
    /// The rank, in whole blocks, of the side path beside each weight.
    package var ranks: [String: Int] = [:]
    /// The weights that the set has of its own.
    package var replaced: Set<String> = []

    package init() {}

    /// Whether nothing is changed.
    var isEmpty: Bool { ranks.isEmpty && replaced.isEmpty }
}

/// A loaded network, for sets of adapters to know theirs.
package final class NetworkIdentity: Sendable {}

/// The adapters that the items of a batch are run with.
public enum BatchAdapters: Sendable {
    /// The network as it was loaded.
    case none
    /// The same for every item.
    case all(AdapterSet)
    /// One entry an item; nil for the network as it was loaded.
    case each([AdapterSet?])
}
