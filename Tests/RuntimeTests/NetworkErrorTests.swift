import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// What a network refuses, and how it says so.
@Suite struct NetworkErrorTests {
    static let adm = ADMCase.all[2]

    /// Valid inputs of ``adm`` with some replaced; nil removes one.
    static func inputs(_ changes: [String: Tensor?]) throws -> [String: Tensor] {
        var inputs = try adm.inputs(adm.golden())
        for (name, tensor) in changes { inputs[name] = tensor }
        return inputs
    }

    /// A request that must fail, with the code and the input it must name.
    struct Bad: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let changes: [String: Tensor?]
        let code: UD2MError.Code
        let tensor: String

        init(_ name: String, _ shape: [Int]?, _ value: Float, _ code: UD2MError.Code) throws {
            testDescription = "\(name) \(shape.map { "\($0)" } ?? "missing") of \(value): \(code.name)"
            changes = [name: try shape.map { try Tensor(shape: $0, repeating: value) }]
            self.code = code
            tensor = name
        }
    }

    static func bad() throws -> [Bad] {
        [
            try Bad("x", nil, 0, .inputMissing),
            try Bad("y", nil, 0, .inputMissing),
            try Bad("z", [2], 0, .inputUnknown),
            try Bad("low_res", [2, 3, 4, 4], 0, .inputUnknown),
            try Bad("x", [2, 1, 16, 16], 0, .inputShape),
            try Bad("x", [2, 3, 16], 0, .inputShape),
            try Bad("x", [], 0, .inputShape),
            try Bad("x", [0, 3, 16, 16], 0, .inputShape),
            try Bad("x", [2, 3, 16, 15], 0, .inputShape),
            try Bad("x", [2, 3, 0, 16], 0, .inputShape),
            try Bad("t", [1], 0, .inputShape),
            try Bad("t", [2, 1], 0, .inputShape),
            try Bad("t", [2], .nan, .inputRange),
            try Bad("t", [2], -.infinity, .inputRange),
            try Bad("t", [2], -1, .inputRange),
            try Bad("t", [2], 1000, .inputRange),
            try Bad("x", [2, 3, 16, 16], .nan, .inputRange),
            try Bad("x", [2, 3, 16, 16], -.infinity, .inputRange),
            try Bad("y", [2], 10, .inputRange),
            try Bad("y", [2], -1, .inputRange),
            try Bad("y", [2], 0.5, .inputRange),
            try Bad("y", [2], .nan, .inputRange),
        ]
    }

    @Test func badInputsAreRefused() throws {
        let network = try Self.adm.network()
        for bad in try Self.bad() {
            let error = #expect(throws: UD2MError.self, "\(bad)") {
                try network.run(Self.inputs(bad.changes))
            }
            #expect(error?.code == bad.code, "\(bad)")
            #expect(error?.location.tensor == bad.tensor, "\(bad)")
        }
        // The network is still good for valid inputs.
        #expect(try network.run(Self.inputs([:]))["out"] != nil)
    }

    @Test func unknownTapNamesItsNeighbours() throws {
        let network = try Self.adm.network()
        let error = #expect(throws: UD2MError.self) {
            try network.run(Self.inputs([:]), taps: ["middle_block.1", "middle_block.9"])
        }
        #expect(error?.code == .tapUnknown)
        #expect(error?.location.tensor == "middle_block.9")
        #expect(error?.remedy?.contains("middle_block.1.qkv") == true)
    }

    @Test func everyWeightIsRequired() throws {
        for weight in try Self.adm.weights() {
            let error = #expect(throws: UD2MError.self) {
                try Self.adm.load(Self.adm.weights().filter { $0.name != weight.name })
            }
            #expect(error?.code == .weightMissing)
            #expect(error?.location.tensor == weight.name.text)
            #expect(error?.location.file?.isEmpty == false)
        }
    }

    @Test(arguments: [[64, 16, 1], [64], [63, 16], [16, 64]])
    func misshapenWeightIsRefused(_ shape: [Int]) throws {
        try expectRefused(shape, .f32, .weightShape)
    }

    @Test(arguments: [ElementType.i32, .u8]) func weightOfAnotherTypeIsRefused(_ type: ElementType) throws {
        try expectRefused([64, 16], type, .weightType)
    }

    /// Expects that a replaced `time_embed.0.weight`, [64, 16] of f32 in the network, is refused.
    private func expectRefused(_ shape: [Int], _ type: ElementType, _ code: UD2MError.Code) throws {
        let name: TensorName = "time_embed.0.weight"
        let bytes = [UInt8](repeating: 0, count: try #require(type.byteCount(shape: shape)))
        let weights = try Self.adm.weights().map { weight in
            guard weight.name == name else { return weight }
            return TensorInput(name: name, elementType: type, shape: shape) { try bytes.withUnsafeBytes($0) }
        }
        let error = #expect(throws: UD2MError.self) { try Self.adm.load(weights) }
        #expect(error?.code == code)
        #expect(error?.location.tensor == name.text)
    }

    @Test func badConfigurationsAreRefused() throws {
        let changes: [(inout ADMConfiguration) -> Void] = [
            { $0.levelChannels = [] },
            { $0.levelChannels = [40, 32] },
            { $0.levelChannels = [Int.max, 32] },
            { $0.levelChannels = [32, -32] },
            { $0.modelChannels = 0 },
            { $0.residualBlocks = 0 },
            { $0.residualBlocks = 1 << 40 },
            { $0.attentionLevels = [2] },
            { $0.heads = .channels(24) },
            { $0.heads = .count(0) },
            { $0.classCount = 0 },
            { $0.inputChannels = 6 },
            { $0.isSuperResolution = true },
        ]
        for (index, change) in changes.enumerated() {
            var configuration = Self.adm.configuration
            change(&configuration)
            let error = #expect(throws: UD2MError.self, "change \(index)") {
                try Network.requiredWeights(.adm(configuration))
            }
            #expect(error?.code == .networkConfiguration, "change \(index)")
        }
    }

    @Test func threadsAreBounded() throws {
        for threads in [-1, 257, Int.max] {
            let error = #expect(throws: UD2MError.self) { try Self.adm.network(threads: threads) }
            #expect(error?.code == .inputRange)
        }
    }

    @Test func impossibleMemoryIsRefused() throws {
        for count in [1 << 40, Int.max / 4, Int.max] {
            let error = #expect(throws: UD2MError.self) { try FloatBuffer(count: count) }
            #expect(error?.code == .memoryExhausted)
        }
    }

    /// More than any machine has, and more than can be counted; nothing is allocated.
    @Test(arguments: [[4096, 3, 16_384, 16_384], [Int.max / 256, 3, 16_384, 16_384]])
    func batchesBeyondTheMemoryAreRefused(_ shape: [Int]) throws {
        let adm = ADMCase.all[0]
        let network = try adm.network()
        let error = #expect(throws: UD2MError.self) {
            try network.memoryNeeded(for: ["x": shape, "t": [shape[0]]])
        }
        #expect(error?.code == .memoryExhausted)
        #expect(error?.message.contains("16384×16384") == true)
        #expect(error?.remedy != nil)
        // The network is still good.
        #expect(try network.run(adm.inputs(adm.golden()))["out"] != nil)
    }

    @Test func tensorsBeyondTheMemoryAreRefused() {
        let error = #expect(throws: UD2MError.self) { try Tensor(shape: [1 << 50], repeating: 0) }
        #expect(error?.code == .memoryExhausted)
    }

    @Test(arguments: [0, 16_385, 1 << 31, Int.max]) func sidesBeyondTheLimitAreNotPlanned(_ side: Int) throws {
        let graph = try ArchitectureConfiguration.adm(Self.adm.configuration).graph
        let error = #expect(throws: UD2MError.self) {
            try CompiledGraph(
                graph, for: PlanKey(sizes: [.init(name: "x", height: 16, width: side)], taps: []), threads: 1)
        }
        #expect(error?.code == .inputShape)
        #expect(error?.location.tensor == "x")
    }

    @Test func tensorsHoldWhatTheirShapeSays() throws {
        #expect(try Tensor(shape: [], values: [1]).values == [1])
        #expect(try Tensor(shape: [0, 5], values: []).values.isEmpty)
        for shape in [[2, 2], [-1, -3], [Int.max, Int.max], [1 << 62]] {
            let error = #expect(throws: UD2MError.self) { try Tensor(shape: shape, values: [1, 2, 3]) }
            #expect(error?.code == .tensorShape)
            #expect(shape == [2, 2] || (try? Tensor(shape: shape, repeating: 0)) == nil)
        }
    }
}
