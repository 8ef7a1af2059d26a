import UD2MFormats

/// A small network that a device computes and the CPU as well, to be compared.
package struct SelfTestCase: Sendable {
    /// What it is about.
    package let name: String
    let graph: Graph
    let kinds: [NetworkInput]
    let inputs: [String: Tensor]
    /// The types of elements that it is run in.
    package internal(set) var elements: [DeviceElement] = [.f32, .f16, .bf16]
    /// The right result, where the CPU's is no better than a device's; nil where the CPU tells.
    var expected: Tensor?
    /// How much more than others it may differ.
    var slack: [DeviceElement: Double] = [:]

    /// A graph over images alone.
    init(_ name: String, _ graph: Graph, images: [String: Tensor]) {
        self.name = name
        self.graph = graph
        kinds = images.sorted { $0.key < $1.key }.map { name, tensor in
            NetworkInput(name: name, kind: .image(channels: tensor.shape[1], sides: .init()))
        }
        inputs = images
    }

    /// A graph over images, timesteps and labels; every input's numbers follow from its name.
    init(_ name: String, _ graph: Graph, images: [String: [Int]], vectors: [String: NetworkInput.Kind] = [:]) throws {
        self.name = name
        self.graph = graph
        var (kinds, inputs) = ([NetworkInput](), [String: Tensor]())
        for (name, shape) in images.sorted(by: { $0.key < $1.key }) {
            kinds.append(NetworkInput(name: name, kind: .image(channels: shape[1], sides: .init())))
            let numbers = SelfTestNumbers(name)
            inputs[name] = try Tensor(shape: shape, values: numbers.values(shape.reduce(1, *), within: 2))
        }
        let batch = images.values.first?[0] ?? 1
        for (name, kind) in vectors.sorted(by: { $0.key < $1.key }) {
            kinds.append(NetworkInput(name: name, kind: kind))
            let values = (0..<batch).map { if case .timestep = kind { Float(37 + 500 * $0) } else { Float($0 + 1) } }
            inputs[name] = try Tensor(shape: [batch], values: values)
        }
        (self.kinds, self.inputs) = (kinds, inputs)
    }

    /// The weights that the network needs, of sizes that keep activations near 1.
    package var weights: [TensorInput] {
        graph.weights.map { requirement in
            let count = requirement.shape.reduce(1, *)
            let numbers = SelfTestNumbers(requirement.name)
            let fanIn = Float(max(1, requirement.shape.dropFirst().reduce(1, *)))
            let values: [Float]
            if requirement.shape.count > 1 {
                values = numbers.values(count, within: (3 / fanIn).squareRoot())
            } else if requirement.name.hasSuffix("weight") {
                // Scales of normalisations.
                values = numbers.values(count, within: 0.2).map { $0 + 1 }
            } else {
                values = numbers.values(count, within: 0.2)
            }
            return TensorInput(name: TensorName(requirement.name), shape: requirement.shape, floats: values)
        }
    }

    /// How far a device may be from what is expected; see ``CUDASelfTest/bound(_:)``.
    package func bound(_ element: DeviceElement) -> Double { CUDASelfTest.bound(element) * (slack[element] ?? 1) }

    /// The network on the CPU.
    func onHost(_ store: WeightStore, threads: Int) throws -> Network {
        try Network(
            store: store, graph: graph, inputs: kinds, outputChannels: 0, sizeMultiple: 1, threads: threads,
            policy: .init(precision: .strict))
    }

    /// The network on a device.
    func onDevice(_ store: WeightStore, _ context: CUDAContext, _ element: DeviceElement) throws -> CUDANetwork {
        try CUDANetwork(
            store: store, graph: graph, inputs: kinds, outputChannels: 0, sizeMultiple: 1, context: context,
            element: element)
    }

    /// Whether libraries can compute some of it.
    package var hasProducts: Bool {
        graph.nodes.contains { node in
            switch node.operation {
            case .convolution, .linear: true
            default: false
            }
        }
    }

    /// The kernels that the network's plan launches.
    /// - Throws: As ``DevicePlan``.
    package func kernels(_ element: DeviceElement) throws -> Set<String> {
        let sizes = kinds.compactMap { input -> PlanKey.Size? in
            guard case .image = input.kind, let shape = inputs[input.name]?.shape else { return nil }
            return PlanKey.Size(name: input.name, height: shape[2], width: shape[3])
        }
        let plan = try DevicePlan(
            graph: graph, key: PlanKey(sizes: sizes, taps: []), batch: inputs.values.first?.shape[0] ?? 1,
            element: element)
        return Set(plan.launches.map(\.kernel))
    }
}

/// Numbers that look random and are the same everywhere.
struct SelfTestNumbers {
    private let seed: UInt64

    /// Numbers that follow from a name (FNV-1a).
    init(_ name: String) {
        seed = name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    /// Numbers evenly spread between -limit and limit (SplitMix64).
    func values(_ count: Int, within limit: Float) -> [Float] {
        var state = seed
        return (0..<count).map { _ in
            state &+= 0x9e37_79b9_7f4a_7c15
            var bits = state
            bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
            bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
            bits ^= bits >> 31
            return limit * (Float(bits >> 40) / Float(1 << 23) - 1)
        }
    }
}
