import Synchronization
import UD2MFormats

/// The precision that merging computes in; the result is rounded once more, to the type it is stored in.
public enum MergeArithmetic: String, Sendable, Hashable, CaseIterable {
    /// Single precision, in the order and with the roundings of PyTorch's own merge.
    case f32
    /// Double precision.
    case f64
}

/// An adapter and how strongly it is applied.
public struct WeightedAdapter: Sendable {
    /// The adapter, held against the base.
    public var binding: AdapterBinding
    /// What every change is multiplied by; 1 applies the adapter as it was trained, −1 takes it back.
    public var strength: Double

    /// Creates a weighted adapter.
    public init(_ binding: AdapterBinding, strength: Double = 1) {
        self.binding = binding
        self.strength = strength
    }
}

/// A base with adapters merged in: described, and computed tensor by tensor when it is read.
///
/// Each changed tensor is W + Σ strength·(change of W), every change computed against the base's own W. Names that share
/// a tensor of the base share the changed one.
public struct MergePlan: Sendable {
    /// Every tensor of the base, in its order, the changed ones with their new values.
    public let tensors: [TensorSource]
    /// The names of the changed tensors, in the base's order.
    public let changed: [TensorName]
    /// What is merged.
    public let adapters: [WeightedAdapter]
    /// The precision.
    public let arithmetic: MergeArithmetic
    private let ledger: MergeLedger

    /// Plans a merge; nothing but single numbers is read.
    /// - Parameters:
    ///   - base: The network.
    ///   - adapters: What to merge; all must have been held against `base`.
    ///   - arithmetic: The precision; tensors of doubles are always computed in double precision.
    ///   - elementTypes: The types that changed tensors are rounded to; their own where nothing is said.
    public init(
        base: AdapterBase, adapters: [WeightedAdapter], arithmetic: MergeArithmetic = .f32,
        elementTypes: [TensorName: ElementType] = [:]
    ) {
        struct Place: Hashable {
            let storage: ObjectIdentifier
            let offset: Int
            let shape: [Int]
            let strides: [Int]

            init(_ tensor: TensorSource) {
                storage = ObjectIdentifier(tensor.storage)
                offset = tensor.elementOffset
                shape = tensor.shape
                strides = tensor.strides
            }
        }
        var changes: [Place: [MergeStep]] = [:]
        for adapter in adapters where adapter.strength != 0 {
            for pair in adapter.binding.pairs {
                changes[Place(pair.tensor), default: []].append(
                    MergeStep(change: pair.target.change, strength: adapter.strength))
            }
        }
        let ledger = MergeLedger()
        var storages: [Place: MergedStorage] = [:]
        var changed: [TensorName] = []
        tensors = base.tensors.map { tensor in
            let place = Place(tensor)
            guard let steps = changes[place] else { return tensor }
            changed.append(tensor.name)
            let type = elementTypes[tensor.name] ?? tensor.elementType
            let precision: MergeArithmetic = tensor.elementType == .f64 ? .f64 : arithmetic
            let shared = storages[place].flatMap { $0.elementType == type ? $0 : nil }
            let storage =
                shared
                ?? MergedStorage(base: tensor, steps: steps, elementType: type, arithmetic: precision, ledger: ledger)
            storages[place] = storage
            var merged = TensorSource(
                name: tensor.name, path: tensor.path, elementType: type, shape: tensor.shape,
                strides: TensorSource.denseStrides(tensor.shape), elementOffset: 0, storage: storage)
            merged.expandedBytesAllowed = tensor.expandedBytesAllowed
            return merged
        }
        self.changed = changed
        self.adapters = adapters
        self.arithmetic = arithmetic
        self.ledger = ledger
    }

    /// Reads every factor once, so that damaged adapters are refused before anything is written.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-not-finite`, or what reading throws.
    public func requireFinite() throws {
        for adapter in adapters { try adapter.binding.adapter.requireFinite() }
    }

    /// Numbers that were too large for the type they are stored in and became infinite; complete after writing.
    public var overflows: [(name: TensorName, count: Int)] { ledger.entries }
}

extension Adapter {
    /// Reads every number once.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-not-finite`, or what reading throws; the location names the
    ///   file and the tensor.
    public func requireFinite() throws {
        do {
            for tensor in tensors { try tensor.requireFinite() }
        } catch let error as UD2MError {
            throw error.located(in: .init(file: path))
        }
    }
}

extension TensorSource {
    /// Reads every number once.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-not-finite`, or what reading throws.
    func requireFinite() throws {
        try forEachBlock(maximumElements: 1 << 18) { _ = try $0.finiteValues() as [Float] }
    }
}

/// What rounding could not keep, tensor by tensor.
final class MergeLedger: Sendable {
    private let overflows = Mutex<[TensorName: Int]>([:])

    /// Tensors with numbers that became infinite, sorted by name.
    var entries: [(name: TensorName, count: Int)] {
        overflows.withLock { $0 }.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map {
            (name: $0.key, count: $0.value)
        }
    }

    func record(_ count: Int, for name: TensorName) {
        overflows.withLock { $0[name] = count }
    }
}

/// One change of a tensor and its strength.
struct MergeStep: Sendable {
    let change: AdapterChange
    let strength: Double
}
