import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// Networks on a device against the same networks on the CPU.
@Suite(.enabled(if: TestDevice.isAvailable)) struct CUDANetworkTests {
    /// By the type of the elements: sums in another order, and roundings to eleven or eight bits.
    static func tolerance(_ element: DeviceElement) -> Float {
        switch element {
        case .f32: 1e-5
        case .f16: 1e-2
        case .bf16: 6e-2
        }
    }

    private func expectEqual(
        _ store: WeightStore, _ element: DeviceElement, _ inputs: [String: Tensor], taps: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let (host, device) = try TestDevice.networks(store, element)
        #expect(device.inputs == host.inputs && device.tapNames == host.tapNames, sourceLocation: sourceLocation)
        let (expected, found) = (try host.run(inputs, taps: taps), try device.run(inputs, taps: taps))
        #expect(Set(expected.keys) == Set(found.keys), sourceLocation: sourceLocation)
        for (name, tensor) in expected {
            let difference = relativeDifference(found[name], tensor)
            #expect(difference < Self.tolerance(element), "\(name)", sourceLocation: sourceLocation)
        }
    }

    private func items(_ inputs: [String: Tensor], _ count: Int) throws -> [String: Tensor] {
        try inputs.mapValues { tensor in try Tensor.batch((0..<count).map { try tensor.item($0) }) }
    }

    /// Every block, way of attending and of resampling; classes; super-resolution.
    @Test(arguments: ADMCase.all) func adm(_ adm: ADMCase) throws {
        let store = try TestDevice.store(.adm(adm.configuration), adm.weights())
        try expectEqual(store, .f32, items(adm.inputs(adm.golden()), 1))
    }

    @Test(arguments: [DeviceElement.f16, .bf16]) func admInHalfPrecision(_ element: DeviceElement) throws {
        let adm = ADMCase.all[1]
        let store = try TestDevice.store(.adm(adm.configuration), adm.weights())
        try expectEqual(store, element, items(adm.inputs(adm.golden()), 1))
    }

    /// Activations that are otherwise folded into their readers, and shapes of their own.
    @Test func taps() throws {
        let adm = ADMCase.all[0]
        let store = try TestDevice.store(.adm(adm.configuration), adm.weights())
        let network = try Network(store: store, threads: 1)
        try expectEqual(store, .f32, items(adm.inputs(adm.golden()), 2), taps: network.tapNames)
    }

    @Test(arguments: [DeviceElement.f32, .f16]) func ddpm(_ element: DeviceElement) throws {
        let golden = try Golden("ddpm/ddpm_tiny.io.safetensors")
        let store = try TestDevice.store(GoldenNetwork.ddpm.architecture, GoldenNetwork.ddpm.weights())
        try expectEqual(store, element, items(["x": golden.tensor("x"), "t": golden.tensor("t")], 1))
    }

    /// Networks that classify: poolings of every kind, means, vectors, normalisations folded into weights.
    @Test(arguments: ["vgg", "squeezenet", "inception", "discriminator"]) func features(_ name: String) throws {
        let (network, side): (GoldenNetwork, Int) =
            switch name {
            case "vgg": (.vgg, 32)
            case "squeezenet": (.squeezeNet, 33)
            case "inception": (try .inception(), 75)
            default: (.discriminator, 32)
            }
        let store = try TestDevice.store(network.architecture, network.weights())
        var random = KernelRandom(7)
        let image = try Tensor(shape: [1, 3, side, side], values: random.values(3 * side * side, gain: 2))
        var inputs = ["x": image]
        if name == "discriminator" {
            inputs["y"] = try Tensor(shape: [1, 3, 16, 16], values: random.values(3 * 16 * 16, gain: 2))
        }
        try expectEqual(store, .f32, inputs)
    }

    @Test(arguments: [(DeviceElement.f32, Float(1e-4)), (.f16, 5e-2)])
    func ram(_ element: DeviceElement, _ bound: Float) throws {
        let folder = try TemporaryDirectory()
        try RAMWeights.writeStore(to: folder.path("ram.ud2w"))
        let store = try WeightStore(path: folder.path("ram.ud2w"))
        var random = KernelRandom(3)
        let image = try Tensor(shape: [2, 3, 16, 8], values: random.values(768, gain: 0.3, offset: 0.5))
        let problem = RAMProblem(observation: image, sigma: .perImage([0.1, 0.2]))
        let expected = try RAMNetwork(store: store, threads: 2).run(problem, taps: ["m_body"])
        let network = try RAMNetwork(
            store: store, configuration: RAMWeights.configuration, context: TestDevice.context(), element: element)
        let found = try network.run(problem, taps: ["m_body"])
        #expect(relativeDifference(found["out"], expected["out"]) < bound)
        #expect(relativeDifference(found["m_body"], expected["m_body"]) < bound)
    }

    // MARK: Batches

    /// An item has the same bytes alone, in a batch, and in a later run, whatever its plan is.
    @Test func itemsDoNotDependOnTheirBatch() throws {
        let adm = ADMCase.all[0]
        let store = try TestDevice.store(.adm(adm.configuration), adm.weights())
        let network = try TestDevice.networks(store, .f16).device
        let inputs = try adm.inputs(adm.golden())
        let three = try inputs.mapValues { try Tensor.batch([$0.item(0), $0.item(1), $0.item(0)]) }
        // Each on a plan of its own: that of three would do for one, too.
        let alone = try #require(try network.run(items(inputs, 1))["out"])
        let together = try #require(try network.run(three)["out"])
        #expect(try together.item(0) == alone)
        #expect(try together.item(2) == alone)
        #expect(try together.item(1) != alone)
        // Two items on the plan of three.
        #expect(try network.run(inputs)["out"]?.item(1) == together.item(1))
    }

    /// Where a batch does not fit, it runs in turns; where one image does not fit, the error says so.
    @Test func batchesFitTheMemory() throws {
        let adm = ADMCase.all[4]
        let context = try CUDAContext(TestDevice.device(TestDevice.small))
        let store = try TestDevice.store(.adm(adm.configuration), adm.weights())
        let network = try CUDANetwork(
            store: store, architecture: .adm(adm.configuration), context: context, element: .f32)
        let inputs = try items(adm.inputs(adm.golden()), 1)
        let alone = try #require(try network.run(inputs)["out"])
        let key = PlanKey(
            sizes: [PlanKey.Size(name: "x", height: alone.shape[2], width: alone.shape[3])], taps: [])
        func arena(_ batch: Int) throws -> Int {
            let graph = try ArchitectureConfiguration.adm(adm.configuration).graph
            return try DevicePlan(graph: graph, key: key, batch: batch, element: .f32).arenaBytes
        }
        let (one, three) = (try arena(1), try arena(3))
        #expect(one < three)
        let free = try context.freeMemory
        // What is left is enough for the arena of two images, and not of three.
        let hog = try context.run { try CUDABuffer(free - (three - one) * 3 / 4, on: context, for: "Others") }
        let batch = try inputs.mapValues { try Tensor.batch([$0.item(0), $0.item(0), $0.item(0)]) }
        let results = try #require(try network.run(batch)["out"])
        for item in 0..<3 { #expect(try results.item(item) == alone) }
        let large = [
            "x": try Tensor(shape: [1, 3, 1024, 1024], repeating: 0), "t": try Tensor(shape: [1], repeating: 1),
        ]
        let error = #expect(throws: UD2MError.self) { try network.run(large) }
        #expect(error?.code == .memoryExhausted)
        #expect(error?.remedy != nil)
        withExtendedLifetime(hog) {}
        // A network that has failed still runs.
        #expect(try network.run(inputs)["out"] == alone)
    }

    /// What the host cannot hold is refused before a plan is made; what the device holds is told.
    @Test func memoryIsTold() throws {
        let adm = ADMCase.all[0]
        let store = try TestDevice.store(.adm(adm.configuration), adm.weights())
        let network = try TestDevice.networks(store, .f16).device
        let error = #expect(throws: UD2MError.self) {
            try network.memoryNeeded(for: ["x": [Int.max / 256, 3, 16_384, 16_384], "t": [Int.max / 256]])
        }
        #expect(error?.code == .memoryExhausted)
        let inputs = try items(adm.inputs(adm.golden()), 1)
        let needed = try network.memoryNeeded(for: inputs.mapValues(\.shape))
        _ = try network.run(inputs)
        #expect(network.memoryInUse == needed)
    }

    @Test func profiles() throws {
        let adm = ADMCase.all[0]
        let store = try TestDevice.store(.adm(adm.configuration), adm.weights())
        let network = try TestDevice.networks(store, .f16).device
        let profile = OperationProfile()
        let inputs = try items(adm.inputs(adm.golden()), 1)
        let timed = try network.run(inputs, profile: profile)
        #expect(try network.run(inputs) == timed)
        let kinds = Set(profile.entries.map(\.kind))
        #expect(kinds.isSuperset(of: ["conv3x3", "norm", "attention", "linear"]))
        #expect(profile.entries.allSatisfy { $0.count > 0 && $0.seconds >= 0 })
    }

    @Test func badInputsAreRefused() throws {
        let adm = ADMCase.all[0]
        let store = try TestDevice.store(.adm(adm.configuration), adm.weights())
        let network = try TestDevice.networks(store).device
        let inputs = try adm.inputs(adm.golden())
        #expect(throws: UD2MError.self) { try network.run(["x": inputs["x"]].compactMapValues { $0 }) }
        let error = #expect(throws: UD2MError.self) { try network.run(inputs, taps: ["none"]) }
        #expect(error?.code == .tapUnknown)
        let other = try TestDevice.store(.adm(ADMCase.all[1].configuration), adm.weights())
        let missing = #expect(throws: UD2MError.self) { try TestDevice.networks(other) }
        #expect(missing?.code == .weightMissing || missing?.code == .weightShape)
    }
}
