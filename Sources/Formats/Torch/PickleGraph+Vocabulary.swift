/// The constructors of plain data that a graph is read through (`formats.md` §4); a closed table, matched exactly.
enum PickleConstructor: Sendable {
    /// A dict: OrderedDict, defaultdict, Counter, dict.
    case mapping
    /// A list, tuple, set or deque made from a sequence.
    case sequence
    /// Bytes made from text, as protocol 2 writes them.
    case encodedBytes
    /// `copyreg._reconstructor(class, base, state)`.
    case reconstructor
    /// `copyreg.__newobj__(class, …)`.
    case newObject
    /// Any other known constructor of plain data.
    case value

    /// The constructor of this name.
    init?(_ global: PickleGlobal) {
        guard let constructor = Self.table[global] else { return nil }
        self = constructor
    }

    private static let table: [PickleGlobal: PickleConstructor] = {
        var table: [PickleGlobal: PickleConstructor] = [:]
        func add(_ module: String, _ names: [String], _ constructor: PickleConstructor) {
            for name in names { table[PickleGlobal(module: module, name: name)] = constructor }
        }
        add("collections", ["OrderedDict", "defaultdict", "Counter"], .mapping)
        add("builtins", ["dict"], .mapping)
        add("collections", ["deque"], .sequence)
        add("builtins", ["set", "frozenset", "list", "tuple"], .sequence)
        add(
            "builtins",
            [
                "bytearray", "complex", "slice", "range", "Ellipsis", "NotImplemented", "object", "int", "float",
                "bool",
                "str", "bytes",
            ], .value)
        add(
            "torch.jit._pickle", ["build_intlist", "build_tensorlist", "build_doublelist", "build_boollist"], .sequence)
        add("torch.jit._pickle", ["restore_type_tag"], .value)
        add("_codecs", ["encode"], .encodedBytes)
        add("copyreg", ["_reconstructor"], .reconstructor)
        add("copyreg", ["__newobj__"], .newObject)
        add("torch", ["Size", "device"], .value)
        add("torch.serialization", ["_get_layout"], .value)
        for module in ["numpy.core.multiarray", "numpy._core.multiarray"] {
            add(module, ["_reconstruct", "scalar"], .value)
        }
        add("numpy", ["dtype", "ndarray"], .value)
        for module in ["numpy.core.numeric", "numpy._core.numeric"] { add(module, ["_frombuffer"], .value) }
        for module in ["pathlib", "pathlib._local"] {
            add(
                module, ["Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath"], .value)
        }
        add("datetime", ["datetime", "date", "time", "timedelta", "timezone"], .value)
        return table
    }()
}

extension PickleGraph {
    /// The keys and values of a dict-like value in order, repeated keys included, or nil for another kind.
    ///
    /// An object of an unknown class that was given keys counts, for the keys it was given.
    package func mapping(_ id: PickleNodeID) -> [(key: PickleNodeID, value: PickleNodeID)]? {
        switch self[id] {
        case .dict(let number):
            return pairs(grown(number))
        case .record(let number):
            let record = record(number)
            guard let global = global(record.callable), case .mapping = PickleConstructor(global) else {
                return record.entries < 0 ? nil : pairs(grown(record.entries))
            }
            var result: [(key: PickleNodeID, value: PickleNodeID)] = []
            // A factory and a mapping or list of pairs are all these classes take.
            for argument in arguments(record).prefix(2) {
                if case .dict(let inner) = self[argument] {
                    result += pairs(grown(inner))
                } else if let items = items(argument) {
                    for item in items {
                        guard let pair = self.items(item).map(Array.init), pair.count == 2 else { continue }
                        result.append((pair[0], pair[1]))
                    }
                }
            }
            return result + pairs(grown(record.entries))
        default:
            return nil
        }
    }

    /// An upper bound of the entries ``mapping(_:)`` gives, at constant cost.
    func mappingCost(_ id: PickleNodeID) -> Int {
        switch self[id] {
        case .dict(let number):
            return grown(number).count
        case .record(let number):
            let record = record(number)
            return (items(record.arguments) ?? []).prefix(2).reduce(grown(record.entries).count + 1) { cost, argument in
                if case .dict(let inner) = self[argument] { return cost + grown(inner).count }
                return cost + (items(argument)?.count ?? 0)
            }
        default:
            return 1
        }
    }

    /// An upper bound of what ``attributes(_:)`` costs.
    func attributesCost(_ record: PickleRecord) -> Int {
        grown(record.states).reduce(1) { cost, state in
            cost + mappingCost(state) + (items(state)?.prefix(2).reduce(0) { $0 + mappingCost($1) } ?? 0)
        }
    }

    /// The attributes BUILD gave a record, and the states that are no attributes.
    func attributes(
        _ record: PickleRecord
    ) -> (named: [(key: PickleNodeID, value: PickleNodeID)], verbatim: [PickleNodeID]) {
        var named: [(key: PickleNodeID, value: PickleNodeID)] = []
        var verbatim: [PickleNodeID] = []
        for state in grown(record.states) {
            if let pairs = mapping(state) {
                named += pairs
            } else if let pair = items(state).map(Array.init), pair.count == 2, isSlotsState(pair) {
                for part in pair { named += mapping(part) ?? [] }
            } else {
                verbatim.append(state)
            }
        }
        return (named, verbatim)
    }

    /// `(dict or None, slots dict)`, the form of classes with `__slots__`.
    private func isSlotsState(_ pair: [PickleNodeID]) -> Bool {
        guard case .dict = self[pair[1]] else { return false }
        switch self[pair[0]] {
        case .none, .dict: return true
        default: return false
        }
    }

    private func pairs(_ items: ArraySlice<PickleNodeID>) -> [(key: PickleNodeID, value: PickleNodeID)] {
        stride(from: items.startIndex, to: items.endIndex - 1, by: 2).map { (items[$0], items[$0 + 1]) }
    }

    /// The class that a persistent id of a legacy container stands for, `('module', class, …)` or `(class, …)`, or the
    /// value itself.
    func classOfPersistentID(_ id: PickleNodeID) -> PickleNodeID {
        guard case .persistentID(let inner, _) = self[id], let items = items(inner)?.prefix(2) else { return id }
        return items.first { global($0) != nil } ?? id
    }
}
