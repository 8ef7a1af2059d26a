import UD2MFormats

/// What a caller asks of a run, checked.
struct RunRequest {
    let key: PlanKey
    let batch: Int
    /// Those of every item; empty when none has any.
    let adapters: [AdapterSet?]

    /// Items that run on one plan: their adapters, where they have some, have one structure.
    struct Group {
        var structure: AdapterStructure
        var items: [Int]
    }

    /// All items of a run with adapters, in groups in the order of each group's first.
    var groups: [Group] {
        var groups: [Group] = []
        for (item, set) in adapters.enumerated() {
            let structure = set?.structure ?? .init()
            if let index = groups.firstIndex(where: { $0.structure == structure }) {
                groups[index].items.append(item)
            } else {
                groups.append(Group(structure: structure, items: [item]))
            }
        }
        return groups
    }

    /// Checks every input and tap, and the adapters. Lists are made for complaints only: small networks run so often that
    /// they would count.
    init(network: some NetworkRunner, inputs: [String: Tensor], taps: [String], adapters: BatchAdapters = .none) throws
    {
        for name in inputs.keys where !network.inputs.contains(where: { $0.name == name }) {
            throw Self.unknownInput(inputs.keys, network.inputs)
        }
        let shapes = try InputShapes(of: network.inputs) { inputs[$0]?.shape }
        for input in network.inputs {
            if let tensor = inputs[input.name] { try Self.checkValues(tensor, input) }
        }
        for tap in taps where !network.tapNames.contains(tap) {
            throw Self.unknownTap(tap, network.tapNames)
        }
        batch = shapes.batch
        self.adapters = try Self.check(adapters, network, batch: batch)
        key = PlanKey(sizes: shapes.sizes, taps: Set(taps))
    }

    /// Checks batches of images of one shape, which run together, with one value for all of them of every other input.
    init(network: some NetworkRunner, images shapes: [[Int]], scalars: [String: Float]) throws {
        guard let first = shapes.first, let items = first.first else {
            throw UD2MError(.inputShape, "There are no images to run on.")
        }
        for shape in shapes where shape != first {
            throw UD2MError(.inputShape, "Images of \(first) and \(shape) make no batch.")
        }
        let images = network.inputs.filter { if case .image = $0.kind { true } else { false } }.map(\.name)
        let checked = try InputShapes(of: network.inputs) { name in
            images.contains(name) ? first : scalars[name].map { _ in [items] }
        }
        for input in network.inputs where !images.contains(input.name) {
            if let value = scalars[input.name] { try Self.checkValues(Tensor(shape: [1], repeating: value), input) }
        }
        batch = shapes.count * items
        adapters = []
        key = PlanKey(sizes: checked.sizes, taps: [])
    }

    /// The adapters of every item.
    private static func check(_ adapters: BatchAdapters, _ network: some NetworkRunner, batch: Int) throws
        -> [AdapterSet?]
    {
        let sets: [AdapterSet?]
        switch adapters {
        case .none: return []
        case .all(let set): sets = Array(repeating: set, count: batch)
        case .each(let each): sets = each
        }
        guard sets.count == batch else {
            throw UD2MError(.adapterSet, "There are \(sets.count) sets of adapters for \(batch) items.")
        }
        guard sets.allSatisfy({ $0 == nil || $0?.network === network.identity }) else {
            throw UD2MError(
                .adapterSet, "A set of adapters was made for another network.",
                remedy: "Make it with the network that runs.")
        }
        return sets
    }

    /// Checks the values of an input whose shape is right.
    private static func checkValues(_ tensor: Tensor, _ input: NetworkInput) throws {
        let values = tensor.values
        let wrong =
            switch input.kind {
            case .image, .lowResolutionImage: values.firstIndex { !$0.isFinite }
            case .timestep: values.firstIndex { !($0 >= 0 && $0 < Float(NetworkInput.timesteps)) }
            case .classLabel(let count): values.firstIndex { !($0.rounded() == $0 && $0 >= 0 && $0 < Float(count)) }
            }
        guard let wrong else { return }
        let rule =
            switch input.kind {
            case .image, .lowResolutionImage: "is no finite number"
            case .timestep: "is out of range: timesteps are 0 or more and below \(NetworkInput.timesteps)"
            case .classLabel(let count): "is out of range: labels are whole numbers of 0..<\(count)"
            }
        throw error(.inputRange, input.name, "\(values[wrong]) at index \(tensor.position(of: wrong)) \(rule).")
    }

    private static func error(_ code: UD2MError.Code, _ input: String, _ message: String) -> UD2MError {
        UD2MError(code, message, at: .init(tensor: input))
    }

    /// Names the first input that a network does not have.
    private static func unknownInput(
        _ names: some Collection<String>, _ inputs: [NetworkInput]
    ) -> UD2MError {
        let known = inputs.map(\.name)
        return error(
            .inputUnknown, names.filter { !known.contains($0) }.min() ?? "",
            "The network has no input of this name; it takes \(known.joined(separator: ", ")).")
    }

    /// Names the taps that begin most like the unknown one.
    private static func unknownTap(_ tap: String, _ names: [String]) -> UD2MError {
        func likeness(_ name: String) -> Int { zip(name, tap).prefix { $0 == $1 }.count }
        let nearest = names.sorted { (-likeness($0), $0) < (-likeness($1), $1) }.prefix(20).sorted()
        return UD2MError(
            .tapUnknown, "There is no activation of this name among the \(names.count).", at: .init(tensor: tap),
            remedy: "Nearest: \(nearest.joined(separator: ", ")).")
    }
}
