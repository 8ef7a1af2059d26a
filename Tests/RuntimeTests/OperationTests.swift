import CUD2MKernels
import Synchronization
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// Operations of a graph against their definitions, on graphs of a few nodes.
@Suite struct OperationTests {
    /// Runs a graph on one item of inputs named by the graph, with portable weights.
    private func run(
        _ graph: Graph, _ inputs: [String: Tensor], taps: Set<String> = [],
        external: [String: ExternalFunction] = [:]
    ) throws -> [String: [Float]] {
        let pool = try KernelPool(threads: 2)
        defer { keep(pool) }
        let folder = try TemporaryDirectory()
        let path = folder.path("weights.ud2w")
        _ = try WeightStoreWriter(
            tensors: graph.weights.map {
                TensorInput(name: TensorName($0.name), shape: $0.shape, floats: weight($0.name, $0.shape))
            }, information: StoreMetadata()
        ).write(to: path)
        let store = try WeightStore(path: path)
        let weights = try PackedWeights(graph: graph, pool: pool.handle) { store.tensor(TensorName($0)) }
        let sizes = inputs.keys.sorted().map {
            PlanKey.Size(name: $0, height: inputs[$0]?.shape[2] ?? 0, width: inputs[$0]?.shape[3] ?? 0)
        }
        let compiled = try CompiledGraph(graph, for: PlanKey(sizes: sizes, taps: taps), threads: 2)
        let arena = try FloatBuffer(count: compiled.arenaSize)
        let plan = try PlanBinder.bind(compiled, arena: arena.base, weights: weights)
        var outputs = plan.resultShapes.map { [Float](repeating: .nan, count: $0.reduce(1, *)) }
        try withExtendedLifetime((arena, weights)) {
            try plan.run(
                pool: pool.handle, inputs: inputs, items: 0..<1, external: external,
                outputs: &outputs)
        }
        return Dictionary(uniqueKeysWithValues: zip(["out"] + taps.sorted(), outputs))
    }

    private func weight(_ name: String, _ shape: [Int]) -> [Float] {
        PortableWeights.weight(case: "operations", tensor: name, shape: shape)
    }

    private func image(channels: Int, height: Int = 5, width: Int = 6) throws -> Tensor {
        var random = KernelRandom(UInt64(channels))
        return try Tensor(
            shape: [1, channels, height, width], values: random.values(channels * height * width, gain: 4))
    }

    @Test func externalFunctionsGetAndGiveMaps() throws {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 3)
        let y = builder.image("y", channels: 17)
        // A concatenation arrives as one map.
        let called = try builder.external("sum", [builder.concat(x, y), x], channels: 2)
        let graph = builder.finish(try builder.add(called, called))
        let (x0, y0) = (try image(channels: 3), try image(channels: 17))
        let seen = Mutex<[[Int]]>([])
        let out = try run(
            graph, ["x": x0, "y": y0],
            external: [
                "sum": { maps, item in
                    seen.withLock { $0 = maps.map(\.shape) }
                    #expect(item == 0)
                    #expect(maps[0].values == x0.values + y0.values)
                    #expect(maps[1].values == x0.values)
                    return try Tensor(shape: [1, 2, 5, 6], values: Array(maps[0].values.prefix(60)))
                }
            ])
        #expect(seen.withLock { $0 } == [[1, 20, 5, 6], [1, 3, 5, 6]])
        #expect(out["out"] == x0.values.prefix(60).map { 2 * $0 })
    }

    @Test func externalFunctionsAreChecked() throws {
        var builder = GraphBuilder()
        let called = try builder.external("f", [builder.image("x", channels: 1)], channels: 1)
        let graph = builder.finish(called)
        let inputs = ["x": try image(channels: 1)]
        let missing = #expect(throws: UD2MError.self) { try run(graph, inputs) }
        #expect(missing?.code == .inputMissing)
        #expect(missing?.location.tensor == "f")
        let misshapen = #expect(throws: UD2MError.self) {
            try run(
                graph, inputs, external: ["f": { maps, _ in try Tensor(shape: [1, 1, 6, 5], values: maps[0].values) }])
        }
        #expect(misshapen?.code == .externalResult)
        // What a function throws reaches the caller.
        let thrown = #expect(throws: UD2MError.self) {
            try run(graph, inputs, external: ["f": { _, _ in throw UD2MError(.inputRange, "No.") }])
        }
        #expect(thrown?.code == .inputRange)
    }

    @Test(arguments: [3, 16, 20]) func transposedConvolutionFollowsItsDefinition(_ channels: Int) throws {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 7)
        let graph = builder.finish(builder.transposedConvolution(x, "up", channels: channels))
        #expect(graph.weights == [WeightRequirement(name: "up.weight", shape: [7, channels, 2, 2])])
        let input = try image(channels: 7)
        let weights = weight("up.weight", [7, channels, 2, 2])
        let out = try #require(try run(graph, ["x": input])["out"])
        var expected = [Double](repeating: 0, count: channels * 10 * 12)
        for index in expected.indices {
            let (channel, row, column) = (index / 120, index / 12 % 10, index % 12)
            for source in 0..<7 {
                let value = input.values[(source * 5 + row / 2) * 6 + column / 2]
                let tap = ((source * channels + channel) * 2 + row % 2) * 2 + column % 2
                expected[index] += Double(value) * Double(weights[tap])
            }
        }
        #expect(normalisedError(out, expected) < 1e-6)
    }

    @Test func scaledRectifiedSumsFollowTheirDefinition() throws {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 20)
        let y = builder.image("y", channels: 20)
        let scaled = builder.scale(builder.activate(x, .relu), by: "gain")
        let graph = builder.finish(try builder.add(y, scaled))
        let (x0, y0) = (try image(channels: 20), try Tensor(shape: [1, 20, 5, 6], repeating: 1))
        let gain = weight("gain", [1])[0]
        let out = try #require(try run(graph, ["x": x0, "y": y0])["out"])
        #expect(largestDifference(out, x0.values.map { 1 + gain * max($0, 0) }) < 1e-6)
    }

    /// A convolution that ends in an activation may take a residual, which comes after it, but not a bias.
    @Test func activatedConvolutionsAddAfterwards() throws {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 20)
        let t = try builder.timestepEmbedding("t", width: 20, isCosineFirst: true, frequencyShift: 0)
        let h = builder.convolution(x, "conv", channels: 20, kernel: 2, stride: 1, hasBias: false, activation: .relu)
        builder.tap("rectified", h)
        let shifted = try builder.add(h, broadcasting: t)
        let graph = builder.finish(shifted)
        #expect(graph.weights.map(\.name) == ["conv.weight"])
        let folded = AdditionFolding.apply(to: graph, keeping: [])
        #expect(folded.nodes.allSatisfy { $0.bias == nil })
        var residual = GraphBuilder()
        let y = residual.image("x", channels: 20)
        let sum = try residual.add(
            y, residual.convolution(y, "conv", channels: 20, kernel: 3, hasBias: false, activation: .relu))
        let source = residual.finish(sum)
        let added = AdditionFolding.apply(to: source, keeping: [])
        #expect(added.nodes.count == 2)
        let input = try image(channels: 20)
        var apart = source
        apart.taps["conv"] = Tap(value: Value(index: 1), layout: .natural)
        let together = try #require(try run(source, ["x": input])["out"])
        let results = try run(apart, ["x": input], taps: ["conv"])
        #expect(largestDifference(together, try #require(results["out"])) < 1e-6)
        #expect(try #require(results["conv"]).allSatisfy { $0 >= 0 })
    }

    /// Normalisation folded into the weights is normalisation afterwards.
    @Test func batchNormalisationIsFoldedIntoTheConvolution() throws {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 5)
        let convolution = Convolution(
            weight: "c.weight", bias: nil, normalization: BatchNorm("n", epsilon: 1e-3), inputChannels: 5,
            outputChannels: 18, kernelHeight: 1, kernelWidth: 3, stride: 2,
            padding: Padding(vertical: 0, horizontal: 1), activation: .leakyReLU(slope: 0.3), layout: .planar)
        let graph = builder.finish(builder.convolution(x, convolution))
        let input = try image(channels: 5)
        let out = try #require(try run(graph, ["x": input])["out"])
        let kernel = weight("c.weight", [18, 5, 1, 3])
        let (gamma, beta) = (weight("n.weight", [18]), weight("n.bias", [18]))
        let (mean, variance) = (weight("n.running_mean", [18]), weight("n.running_var", [18]))
        var expected: [Double] = []
        for channel in 0..<18 {
            for (row, column) in (0..<3).flatMap({ row in (0..<3).map { (2 * row, 2 * $0) } }) {
                var sum = 0.0
                for source in 0..<5 {
                    for tap in 0..<3 where (0..<6).contains(column + tap - 1) {
                        sum +=
                            Double(input.values[(source * 5 + row) * 6 + column + tap - 1])
                            * Double(kernel[(channel * 5 + source) * 3 + tap])
                    }
                }
                let factor = Double(gamma[channel]) / (Double(variance[channel]) + 1e-3).squareRoot()
                let value = (sum - Double(mean[channel])) * factor + Double(beta[channel])
                expected.append(value > 0 ? value : Double(Float(0.3)) * value)
            }
        }
        #expect(normalisedError(out, expected) < 1e-6)
    }

    @Test func vectorsFollowMaps() throws {
        var builder = GraphBuilder()
        let joined = builder.concat(builder.image("x", channels: 3), builder.image("y", channels: 17))
        builder.tap("mean", builder.globalAverage(joined))
        let graph = builder.finish(builder.activate(builder.flatten(joined, positions: 30), .sigmoid))
        let (x0, y0) = (try image(channels: 3), try image(channels: 17))
        let results = try run(graph, ["x": x0, "y": y0], taps: ["mean"])
        let values = (x0.values + y0.values).map(Double.init)
        let sigmoids = values.map { UD2M_ACTIVATION_SIGMOID($0) }
        #expect(normalisedError(try #require(results["out"]), sigmoids) < 1e-6)
        let means = (0..<20).map { values[$0 * 30..<$0 * 30 + 30].reduce(0, +) / 30 }
        #expect(normalisedError(try #require(results["mean"]), means) < 1e-6)
        // A flattened map has one size.
        let other = ["x": try image(channels: 3, height: 4), "y": try image(channels: 17, height: 4)]
        let error = #expect(throws: UD2MError.self) { try run(graph, other) }
        #expect(error?.code == .graphInvalid)
    }
}
