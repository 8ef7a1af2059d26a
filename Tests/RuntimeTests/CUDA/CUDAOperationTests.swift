import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// Graphs of a few nodes on a device against the CPU: what the small networks do not contain.
@Suite(.enabled(if: TestDevice.isAvailable)) struct CUDAOperationTests {
    /// Runs a graph on images on both backends.
    static func expectEqual(
        _ graph: Graph, _ inputs: [String: Tensor], _ element: DeviceElement,
        external: [String: ExternalFunction] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let store = try TestDevice.store(
            nil,
            graph.weights.map {
                TensorInput(
                    name: TensorName($0.name), shape: $0.shape,
                    floats: PortableWeights.weight(case: "operations", tensor: $0.name, shape: $0.shape))
            })
        let names = inputs.keys.sorted().map { name in
            NetworkInput(name: name, kind: .image(channels: inputs[name]?.shape[1] ?? 0, sides: .init()))
        }
        let host = try Network(
            store: store, graph: graph, inputs: names, outputChannels: 0, sizeMultiple: 1, threads: 2, policy: .init())
        let device = try CUDANetwork(
            store: store, graph: graph, inputs: names, outputChannels: 0, sizeMultiple: 1,
            context: TestDevice.context(),
            element: element)
        let expected = try host.run(inputs, external: external)["out"]
        // The second run starts the graph of the first.
        for _ in 0..<2 {
            let found = try device.run(inputs, external: external)
            let difference = relativeDifference(found["out"], expected)
            #expect(
                difference < CUDANetworkTests.tolerance(element), "\(element)", sourceLocation: sourceLocation)
        }
    }

    private func image(_ images: Int, _ channels: Int, _ height: Int, _ width: Int) throws -> Tensor {
        var random = KernelRandom(UInt64(channels))
        return try Tensor(
            shape: [images, channels, height, width],
            values: random.values(images * channels * height * width, gain: 2))
    }

    /// Few pixels and many channels: the products of an output are divided among blocks, then normalised.
    @Test(arguments: DeviceElement.allCases) func dividedConvolutions(_ element: DeviceElement) throws {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 144)
        let h = builder.convolution(x, "first", channels: 40, kernel: 3)
        let norm = builder.silu(try builder.groupNorm(h, "norm", groups: 8))
        let graph = builder.finish(
            try builder.add(h, builder.convolution(norm, "second", channels: 40, kernel: 3)))
        let key = PlanKey(sizes: [PlanKey.Size(name: "x", height: 5, width: 6)], taps: [])
        let plan = try DevicePlan(graph: graph, key: key, batch: 2, element: element)
        let isDivided = plan.launches.contains { $0.kernel.hasPrefix("conv_finish") }
        #expect(isDivided == (element != .f32))
        try Self.expectEqual(graph, ["x": image(2, 144, 5, 6)], element)
    }

    /// Sums of maps that no convolution takes, one of them padded wider.
    @Test func sumsOfMaps() throws {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 5)
        let up = builder.transposedConvolution(x, "up", channels: 5)
        let y = builder.image("y", channels: 5)
        let sums = builder.concat(try builder.add(up, y), try builder.add(y, up))
        let graph = builder.finish(builder.scale(builder.pool(sums, .adaptiveAverage(side: 3)), by: "gain"))
        try Self.expectEqual(graph, ["x": image(1, 5, 4, 4), "y": image(1, 5, 8, 8)], .f32)
    }

    @Test func flattenedVectors() throws {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 6)
        let resized = builder.resizeBilinear(x, toSizeOf: builder.image("y", channels: 1))
        let vector = builder.flatten(resized, positions: 12)
        let linear = builder.activate(builder.linear(vector, "linear", channels: 6), .sigmoid)
        let graph = builder.finish(
            try builder.add(builder.globalAverage(try builder.add(resized, broadcasting: linear)), linear))
        try Self.expectEqual(graph, ["x": image(2, 6, 5, 7), "y": image(2, 1, 3, 4)], .f32)
    }

    /// Every way in which queries, keys and values lie, with heads of more channels than a block takes, and of any number.
    @Test(arguments: [QKVOrder.headMajor, .kindMajor, .separate], [DeviceElement.f32, .f16])
    func attention(_ order: QKVOrder, _ element: DeviceElement) throws {
        for (heads, channels) in [(3, 24), (1, 72), (1, 136), (1, 264), (3, 15)] {
            var builder = GraphBuilder()
            let x = builder.image("x", channels: 12)
            let parts = ["q", "k", "v"].map {
                builder.convolution(x, $0, channels: order == .separate ? channels : 3 * channels, kernel: 1)
            }
            let qkv = order == .separate ? builder.concat(parts) : parts[0]
            let graph = builder.finish(try builder.attention(qkv, heads: heads, order: order))
            try Self.expectEqual(graph, ["x": image(2, 12, 7, 10)], element)
        }
    }

    /// A function of the caller gets the maps of each item, and its result is what follows.
    @Test func externalFunctions() throws {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 3)
        let y = builder.image("y", channels: 17)
        let called = try builder.external("sum", [builder.concat(x, y), x], channels: 2)
        let graph = builder.finish(builder.convolution(called, "conv", channels: 4, kernel: 1))
        let inputs = ["x": try image(3, 3, 5, 6), "y": try image(3, 17, 5, 6)]
        try Self.expectEqual(
            graph, inputs, .f32,
            external: [
                "sum": { maps, item in
                    #expect(maps.map(\.shape) == [[1, 20, 5, 6], [1, 3, 5, 6]])
                    return try Tensor(
                        shape: [1, 2, 5, 6], values: maps[0].values.suffix(60).map { $0 * Float(item + 1) })
                }
            ])
        let error = #expect(throws: UD2MError.self) { try Self.expectEqual(graph, inputs, .f32) }
        #expect(error?.code == .inputMissing)
    }
}
