import UD2MFormats

/// What a caller asks of a run, checked.
struct RunRequest {
    let key: PlanKey
    let batch: Int
    /// Those of every item.
    let adapters: [AdapterSet?]

    /// Items that run on one plan: their adapters, where they have some, have one structure.
    struct Group {
        var structure: AdapterStructure
        var items: [Int]
    }

    /// All items, in groups in the order of each group's first.
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

    /// Checks every input and tap, and the adapters.
    init(network: some NetworkRunner, inputs: [String: Tensor], taps: [String], adapters: BatchAdapters = .none) throws
    {
        for name in inputs.keys.sorted() where !network.inputs.contains(where: { $0.name == name }) {
            let names = network.inputs.map(\.name).joined(separator: ", ")
            throw Self.error(.inputUnknown, name, "The network has no input of this name; it takes \(names).")
        }
        var batch: Int?
        var sizes: [PlanKey.Size] = []
        for input in network.inputs {
            guard let tensor = inputs[input.name] else {
                throw Self.error(.inputMissing, input.name, "The network needs this input.")
            }
            guard let count = tensor.shape.first, count > 0, count == batch ?? count else {
                throw Self.error(
                    .inputShape, input.name,
                    "The shape \(tensor.shape) has no batch of \(batch.map(String.init) ?? "one or more") items.")
            }
            batch = count
            if let size = try Self.check(tensor, input) { sizes.append(size) }
        }
        for tap in taps where !network.tapNames.contains(tap) {
            throw Self.unknownTap(tap, network.tapNames)
        }
        self.batch = batch ?? 0
        self.adapters = try Self.check(adapters, network, batch: batch ?? 0)
        key = PlanKey(sizes: sizes, taps: Set(taps))
    }

    /// Checks batches of images of one shape, which run together, with one value for all of them of every other input.
    init(network: some NetworkRunner, images shapes: [[Int]], scalars: [String: Float]) throws {
        var sizes: [PlanKey.Size] = []
        for input in network.inputs {
            if case .image(let channels, let sides) = input.kind {
                for shape in shapes where shape != shapes[0] {
                    throw Self.error(.inputShape, input.name, "Images of \(shapes[0]) and \(shape) make no batch.")
                }
                sizes.append(try Self.checkShape(shapes.first ?? [], input.name, channels: channels, sides: sides))
            } else {
                guard let value = scalars[input.name] else {
                    throw Self.error(.inputMissing, input.name, "The network needs this input.")
                }
                _ = try Self.check(Tensor(shape: [1], repeating: value), input)
            }
        }
        batch = shapes.reduce(0) { $0 + ($1.first ?? 0) }
        guard batch > 0 else { throw UD2MError(.inputShape, "There are no images to run on.") }
        adapters = Array(repeating: nil, count: batch)
        key = PlanKey(sizes: sizes, taps: [])
    }

    /// The adapters of every item.
    private static func check(_ adapters: BatchAdapters, _ network: some NetworkRunner, batch: Int) throws
        -> [AdapterSet?]
    {
        let sets: [AdapterSet?] =
            switch adapters {
            case .none: Array(repeating: nil, count: batch)
            case .all(let set): Array(repeating: set, count: batch)
            case .each(let sets): sets
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

    /// Checks an input by itself; gives the size of an image.
    private static func check(_ tensor: Tensor, _ input: NetworkInput) throws -> PlanKey.Size? {
        switch input.kind {
        case .image(let channels, let sides):
            return try checkImage(tensor, input.name, channels: channels, sides: sides)
        case .lowResolutionImage(let channels):
            return try checkImage(tensor, input.name, channels: channels, sides: .init())
        case .timestep:
            try checkScalars(tensor, input.name, range: "timesteps are 0 or more and below \(NetworkInput.timesteps)") {
                $0 >= 0 && $0 < Float(NetworkInput.timesteps)
            }
        case .classLabel(let count):
            try checkScalars(tensor, input.name, range: "labels are whole numbers of 0..<\(count)") {
                $0.rounded() == $0 && $0 >= 0 && $0 < Float(count)
            }
        }
        return nil
    }

    private static func checkImage(
        _ tensor: Tensor, _ name: String, channels: Int, sides: NetworkInput.Sides
    ) throws -> PlanKey.Size {
        let size = try checkShape(tensor.shape, name, channels: channels, sides: sides)
        if let index = tensor.values.firstIndex(where: { !$0.isFinite }) {
            throw error(
                .inputRange, name,
                "\(tensor.values[index]) at index \(tensor.position(of: index)) is no finite number.")
        }
        return size
    }

    private static func checkShape(
        _ shape: [Int], _ name: String, channels: Int, sides: NetworkInput.Sides
    ) throws -> PlanKey.Size {
        guard shape.count == 4, shape[1] == channels else {
            throw error(.inputShape, name, "The shape is \(shape); it must be [N, \(channels), H, W].")
        }
        for side in shape[2...] where side < 1 || !sides.contains(side) {
            throw error(.inputShape, name, "A side has \(side) pixels; it must be \(sides.description).")
        }
        return PlanKey.Size(name: name, height: shape[2], width: shape[3])
    }

    private static func checkScalars(
        _ tensor: Tensor, _ name: String, range: String, _ isValid: (Float) -> Bool
    ) throws {
        guard tensor.shape.count == 1 else {
            throw error(.inputShape, name, "The shape is \(tensor.shape); it must be [N].")
        }
        guard let index = tensor.values.firstIndex(where: { !isValid($0) }) else { return }
        throw error(.inputRange, name, "\(tensor.values[index]) at index [\(index)] is out of range: \(range).")
    }

    private static func error(_ code: UD2MError.Code, _ input: String, _ message: String) -> UD2MError {
        UD2MError(code, message, at: .init(tensor: input))
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
