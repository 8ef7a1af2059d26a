import Testing
import UD2MFormats
import UD2MRuntime

/// What each pass does to small graphs, and what taps keep it from doing.
@Suite struct PassTests {
    /// norm → modulate → SiLU → convolution, as in a residual block.
    static func normalised() throws -> Graph {
        var builder = GraphBuilder()
        let e = try builder.timestepEmbedding("t", width: 64, isCosineFirst: true, frequencyShift: 0)
        let x = builder.image("x", channels: 32)
        let norm = try builder.groupNorm(x, "norm")
        builder.tap("norm", norm)
        let modulated = try builder.modulate(norm, by: e)
        builder.tap("modulated", modulated)
        let active = builder.silu(modulated)
        builder.tap("active", active)
        let out = builder.convolution(active, "conv", channels: 32, kernel: 3)
        return builder.finish(out)
    }

    /// The operations of a graph as short names, in order.
    static func names(_ graph: Graph) -> [String] {
        graph.nodes.map { String("\($0.operation)".prefix { $0 != "(" }) }
    }

    @Test func normalisationIsFoldedIntoTheConvolution() throws {
        let graph = NormalizationFolding.apply(to: try Self.normalised(), keeping: [])
        #expect(Self.names(graph) == ["timestepEmbedding", "image", "normCoefficients", "convolution"])
        #expect(graph.nodes[2].inputs == [Value(index: 1), Value(index: 0)])
        #expect(graph.nodes[3].inputs == [Value(index: 1)])
        #expect(graph.nodes[3].coefficients == Value(index: 2))
        #expect(graph.nodes[3].loadActivation == .silu)
    }

    @Test func tappedNormIsFormedAndTheRestFolds() throws {
        let graph = NormalizationFolding.apply(to: try Self.normalised(), keeping: ["norm"])
        #expect(
            Self.names(graph) == [
                "timestepEmbedding", "image", "normCoefficients", "load", "vectorCoefficients", "convolution",
            ])
        #expect(graph.taps["norm"]?.value == Value(index: 3))
        #expect(graph.nodes[3].loadActivation == .none)
        #expect(graph.nodes[5].inputs == [Value(index: 3)])
        #expect(graph.nodes[5].loadActivation == .silu)
    }

    @Test(arguments: ["modulated", "active"]) func tappedActivationIsFormed(_ tap: String) throws {
        let graph = NormalizationFolding.apply(to: try Self.normalised(), keeping: [tap])
        #expect(Self.names(graph) == ["timestepEmbedding", "image", "normCoefficients", "load", "convolution"])
        #expect(graph.taps[tap]?.value == Value(index: 3))
        #expect(graph.nodes[3].loadActivation == (tap == "active" ? .silu : .none))
        #expect(graph.nodes[4].loadActivation == (tap == "modulated" ? .silu : .none))
    }

    @Test func normWithTwoReadersIsFormed() throws {
        var builder = GraphBuilder()
        let norm = try builder.groupNorm(builder.image("x", channels: 32), "norm")
        let left = builder.convolution(norm, "left", channels: 32, kernel: 1)
        let right = builder.convolution(norm, "right", channels: 32, kernel: 1)
        let sum = try builder.add(left, right)
        let graph = NormalizationFolding.apply(to: builder.finish(sum), keeping: [])
        #expect(Self.names(graph).contains("load"))
        #expect(graph.nodes.allSatisfy { $0.coefficients == nil || "\($0.operation)" == "load" })
    }

    /// A convolution and its skip connection, where the branch comes before the skip in the list.
    static func residual() throws -> Graph {
        var builder = GraphBuilder()
        let e = try builder.timestepEmbedding("t", width: 32, isCosineFirst: true, frequencyShift: 0)
        let x = builder.image("x", channels: 16)
        var h = builder.convolution(x, "conv", channels: 32, kernel: 3)
        builder.tap("conv", h)
        h = try builder.add(h, broadcasting: e)
        builder.tap("shifted", h)
        h = builder.convolution(h, "branch", channels: 32, kernel: 3)
        let skip = builder.convolution(x, "skip", channels: 32, kernel: 1)
        let sum = try builder.add(skip, h)
        builder.tap("sum", sum)
        return builder.finish(sum)
    }

    @Test func additionsAreFoldedIntoConvolutions() throws {
        let graph = AdditionFolding.apply(to: try Self.residual(), keeping: ["sum"])
        #expect(
            Self.names(graph) == [
                "timestepEmbedding", "image", "shiftedBias", "convolution", "convolution", "convolution",
            ])
        #expect(graph.nodes[3].bias == Value(index: 2))
        // The skip connection runs first; the branch adds it and is the sum.
        #expect(graph.nodes[5].inputs == [Value(index: 3)])
        #expect(graph.nodes[5].residual == Value(index: 4))
        #expect(graph.output == Value(index: 5))
        #expect(graph.taps["sum"]?.value == graph.output)
    }

    @Test func tappedConvolutionKeepsItsSumApart() throws {
        let graph = AdditionFolding.apply(to: try Self.residual(), keeping: ["conv"])
        #expect(Self.names(graph).contains("vectorCoefficients"))
        #expect(Self.names(graph).contains("load"))
        #expect(!Self.names(graph).contains("shiftedBias"))
    }

    @Test func enlargementIsFoldedIntoItsReaders() throws {
        var builder = GraphBuilder()
        let x = builder.image("x", channels: 32)
        let up = builder.resample(x, .nearestUp)
        builder.tap("up", up)
        let branch = builder.convolution(up, "branch", channels: 32, kernel: 3)
        let sum = try builder.add(up, branch)
        let source = AdditionFolding.apply(to: builder.finish(sum), keeping: ["up"])
        let folded = UpsamplingFolding.apply(to: source.pruned(keeping: []), keeping: [])
        #expect(Self.names(folded) == ["image", "convolution"])
        #expect(folded.nodes[1].loadsUpsampled && folded.nodes[1].upsamplesResidual)
        let sizes = ["x": (height: 6, width: 4)]
        #expect(try folded.shapes(sizes: sizes).last == .map(channels: 32, height: 12, width: 8))
        let kept = UpsamplingFolding.apply(to: source, keeping: ["up"])
        #expect(Self.names(kept) == ["image", "resample", "convolution"])
    }

    @Test func concatenationsStandForTheirParts() throws {
        var builder = GraphBuilder()
        let a = builder.image("a", channels: 3)
        let b = builder.image("b", channels: 20)
        let inner = builder.concat(a, b)
        let outer = builder.concat(inner, a)
        let out = builder.convolution(outer, "conv", channels: 8, kernel: 1)
        let graph = builder.finish(out)
        let parts = ConcatElimination.parts(of: graph)
        #expect(parts[outer.value.index] == [a.value, b.value, a.value])
        #expect(parts[out.value.index] == [out.value])
        #expect(ConcatElimination.channelRuns(of: graph)[outer.value.index] == [3, 20, 3])
        // Reading the concatenation keeps its parts alive; it has no memory of its own.
        let lifetimes = Liveness.lifetimes(of: graph, parts: parts)
        #expect(lifetimes == [0...4, 1...4, nil, nil, 4...4])
    }

    @Test func packedRequestsNeverOverlap() {
        // A linear congruential generator: the same requests every time.
        var state: UInt64 = 7
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<50 {
            let requests = (0..<40).map { step in
                ArenaRequest(size: 1 + next(1000), lifetime: step...step + next(12))
            }
            let layout = ArenaPacking.pack(requests)
            for i in requests.indices {
                #expect(layout.offsets[i] % ArenaPacking.alignment == 0)
                #expect(layout.offsets[i] + requests[i].size <= layout.size)
                for j in 0..<i where requests[i].lifetime.overlaps(requests[j].lifetime) {
                    let (a, b) = (layout.offsets[i], layout.offsets[j])
                    #expect(a + requests[i].size <= b || b + requests[j].size <= a)
                }
            }
        }
    }

    @Test func packingReusesMemory() {
        // Five buffers in a chain need the room of two.
        let chain = (0..<5).map { ArenaRequest(size: 160, lifetime: $0...$0 + 1) }
        #expect(ArenaPacking.pack(chain).size == 320)
    }

    @Test func malformedGraphsAreRefused() throws {
        var graph = try Self.normalised()
        graph.nodes[0].inputs = [Value(index: 3)]
        let error = #expect(throws: UD2MError.self) { try graph.shapes(sizes: ["x": (height: 8, width: 8)]) }
        #expect(error?.code == .graphInvalid)
        let odd = #expect(throws: UD2MError.self) { try Self.normalised().shapes(sizes: [:]) }
        #expect(odd?.code == .graphInvalid)
    }
}
