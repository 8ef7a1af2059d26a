import CUD2MCUDADriver
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// Layers by libraries against the kernels, on libraries that compute on the test driver's memory.
@Suite(.enabled(if: TestDevice.isAvailable)) struct AcceleratorTests {
    private static let right = Result {
        try CUDAContext(
            TestDevice.device(), accelerators: AcceleratorLibraries { ud2m_testdriver_resolve_product($0) })
    }

    /// Libraries one of whose functions is another.
    private func libraries(_ name: String, _ other: String?) -> AcceleratorLibraries {
        AcceleratorLibraries { asked in
            asked == name
                ? other.flatMap { ud2m_testdriver_resolve_product($0) } : ud2m_testdriver_resolve_product(asked)
        }
    }

    /// Every way in which a layer can be read and finished: plain and transformed maps, concatenations, enlarged maps, strides,
    /// residuals, moments, biases of the run, and vectors.
    private func graph() throws -> Graph {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 12)
        let first = builder.convolution(x, "first", channels: 16, kernel: 3)
        let norm = builder.silu(try builder.groupNorm(first, "norm", groups: 4))
        let second = builder.convolution(norm, "second", channels: 16, kernel: 3)
        let sum = try builder.add(builder.convolution(x, "skip", channels: 16, kernel: 1), second)
        let joined = builder.concat(sum, first)
        let across = builder.convolution(joined, "across", channels: 24, kernel: 1)
        let both = builder.silu(try builder.groupNorm(joined, "both", groups: 4))
        let within = builder.convolution(both, "within", channels: 24, kernel: 1, activation: .relu)
        let wide = builder.convolution(
            builder.resample(try builder.add(across, within), .nearestUp), "wide", channels: 8, kernel: 3)
        let down = builder.convolution(wide, "down", channels: 8, kernel: 3, stride: 2)
        let mean = builder.linear(builder.globalAverage(down), "mean", channels: 8)
        return builder.finish(try builder.add(down, broadcasting: mean))
    }

    private func network(_ context: CUDAContext, _ element: DeviceElement, _ graph: Graph) throws -> CUDANetwork {
        let weights = graph.weights.map {
            TensorInput(
                name: TensorName($0.name), shape: $0.shape,
                floats: PortableWeights.weight(case: "accelerators", tensor: $0.name, shape: $0.shape))
        }
        return try CUDANetwork(
            store: TestDevice.store(nil, weights), graph: graph,
            inputs: [NetworkInput(name: "x", kind: .image(channels: 12, sides: .init()))], outputChannels: 0,
            sizeMultiple: 1, context: context, element: element)
    }

    private func inputs() throws -> [String: Tensor] {
        var random = KernelRandom(5)
        return ["x": try Tensor(shape: [2, 12, 6, 8], values: random.values(2 * 12 * 48, gain: 2))]
    }

    @Test(arguments: DeviceElement.allCases) func resultsAreTheKernels(_ element: DeviceElement) throws {
        let context = try Self.right.get()
        let (graph, inputs) = (try graph(), try inputs())
        let expected = try network(TestDevice.context(), element, graph).run(inputs)["out"]
        let assisted = try network(context, element, graph)
        let first = try assisted.run(inputs)["out"]
        #expect(relativeDifference(first, expected) < CUDANetworkTests.tolerance(element))
        // The first run compares, the second starts the graph that was recorded; a profile runs step by step.
        #expect(try assisted.run(inputs)["out"] == first)
        let profile = OperationProfile()
        #expect(try assisted.run(inputs, profile: profile)["out"] == first)
        #expect(profile.entries.contains { $0.detail.hasSuffix("(cudnn)") })
        #expect(profile.entries.contains { $0.detail.hasSuffix("(cublaslt)") })

        let uses = context.acceleratorUses.filter { $0.layer.hasSuffix(" \(element.rawValue)") }
        let linear = element == .f32 ? 1 : 0
        // Two of the 3×3 convolutions have the same shape once channels are padded, and two of the 1×1 ones.
        #expect(uses.count { $0.accelerator == .cudnn } == 3)
        #expect(uses.count { $0.accelerator == .cublasLt } == 2 + linear)
        for use in uses {
            #expect(use.isUsed && use.reason == nil, "\(use)")
            #expect(try #require(use.error) <= #require(use.bound))
            #expect(use.kernelSeconds != nil && use.librarySeconds != nil)
        }
    }

    /// Shapes that were compared are not compared again, by another network either.
    @Test func shapesAreComparedOnce() throws {
        let context = try CUDAContext(
            TestDevice.device(), accelerators: AcceleratorLibraries([.cudnn]) { ud2m_testdriver_resolve_product($0) })
        let (graph, inputs) = (try graph(), try inputs())
        let first = try network(context, .f32, graph).run(inputs)
        let uses = context.acceleratorUses
        #expect(uses.count == 3 && uses.allSatisfy { $0.accelerator == .cudnn })
        #expect(try network(context, .f32, graph).run(inputs) == first)
        #expect(context.acceleratorUses.count == 3)
    }

    /// A library whose last row is wrong: the kernels' own numbers come out, at once and later.
    @Test(
        arguments: [
            ("cublasLtMatmul", Accelerator.cublasLt), ("cudnnConvolutionForward", Accelerator.cudnn),
        ], [DeviceElement.f32, .f16])
    func wrongResultsAreFound(_ function: (name: String, accelerator: Accelerator), _ element: DeviceElement) throws {
        let (graph, inputs) = (try graph(), try inputs())
        let expected = try network(TestDevice.context(), element, graph).run(inputs)
        let libraries = AcceleratorLibraries([function.accelerator]) { asked in
            ud2m_testdriver_resolve_product(asked == function.name ? "wrong \(asked)" : asked)
        }
        let context = try CUDAContext(TestDevice.device(), accelerators: libraries)
        let assisted = try network(context, element, graph)
        for _ in 0..<2 { #expect(try assisted.run(inputs) == expected) }
        let uses = context.acceleratorUses
        #expect(!uses.isEmpty)
        for use in uses {
            #expect(!use.isUsed && use.reason != nil)
            #expect(try #require(use.error) > #require(use.bound))
        }
    }

    /// A result of zeros agrees with many a wrong one, so the next run decides.
    @Test func zerosDecideNothing() throws {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 12)
        let graph = builder.finish(builder.convolution(x, "conv", channels: 8, kernel: 3, hasBias: false))
        let context = try CUDAContext(
            TestDevice.device(), accelerators: libraries("cudnnConvolutionForward", "wrong cudnnConvolutionForward"))
        let assisted = try network(context, .f32, graph)
        _ = try assisted.run(["x": try Tensor(shape: [2, 12, 6, 8], repeating: 0)])
        #expect(context.acceleratorUses.isEmpty)
        let found = try assisted.run(inputs())
        #expect(context.acceleratorUses.map(\.isUsed) == [false])
        #expect(try network(TestDevice.context(), .f32, graph).run(inputs()) == found)
    }

    /// A library that has no algorithm, and one that does not start.
    @Test func refusalsAreReported() throws {
        let (graph, inputs) = (try graph(), try inputs())
        let expected = try network(TestDevice.context(), .f32, graph).run(inputs)
        let refuse: @convention(c) (UnsafeMutablePointer<UnsafeMutableRawPointer?>?) -> Int32 = { _ in 3000 }
        let context = try CUDAContext(
            TestDevice.device(),
            accelerators: AcceleratorLibraries { name in
                ["cublasLtCreate", "cudnnCreateFilterDescriptor"].contains(name)
                    ? unsafeBitCast(refuse, to: UnsafeMutableRawPointer.self) : ud2m_testdriver_resolve_product(name)
            })
        #expect(try network(context, .f32, graph).run(inputs) == expected)
        let uses = context.acceleratorUses
        #expect(uses.allSatisfy { !$0.isUsed && $0.reason != nil && $0.error == nil })
        #expect(uses.first?.accelerator == .cublasLt && uses.first?.layer == "all")
        #expect(uses.dropFirst().allSatisfy { $0.accelerator == .cudnn } && uses.count == 4)
        #expect(uses.last?.reason?.contains("CUDNN_STATUS_NOT_SUPPORTED") == true)
    }

    @Test func librariesAreDescribed() throws {
        let both = AcceleratorLibraries { ud2m_testdriver_resolve_product($0) }
        #expect(!both.isEmpty)
        #expect(both.findings.map(\.version) == ["12.0.3", "8.9.7"])
        #expect(both.findings.allSatisfy { $0.reason == nil && !$0.isUnusable })
        for (name, place) in [("cublasLtMatmul", 0), ("cudnnSetStream", 1)] {
            let lacking = libraries(name, nil)
            #expect(!lacking.isEmpty)
            let finding = lacking.findings[place]
            #expect(finding.version == nil && finding.isUnusable && finding.reason?.contains(name) == true)
            #expect(lacking.findings[1 - place].version != nil)
        }
        #expect(AcceleratorLibraries.none.isEmpty && AcceleratorLibraries([]) { _ in nil }.findings.isEmpty)
    }

    /// Without libraries a plan is what it was; with them every product has kernels of its own beside it.
    @Test func plansWithoutLibrariesHaveNoProducts() throws {
        let key = PlanKey(sizes: [PlanKey.Size(name: "x", height: 6, width: 8)], taps: [])
        let alone = try DevicePlan(graph: graph(), key: key, batch: 2, element: .f16)
        let assisted = try DevicePlan(
            graph: graph(), key: key, batch: 2, element: .f16, accelerators: [.cublasLt, .cudnn])
        #expect(alone.launchesBesideProducts.isEmpty && !assisted.launchesBesideProducts.isEmpty)
        #expect(alone.launches.map(\.kernel) == assisted.launches.map(\.kernel))
        let beside = Set(assisted.launchesBesideProducts.map(\.kernel))
        #expect(beside == ["load_f16", "conv_finish_f16", "conv_epilogue_f16"])
    }
}
