import Testing
import UD2MConvert
import UD2MFormats

@Suite("Choosing a state dict without a known network")
struct StateDictSelectionTests {
    private func stateDict(_ path: [String], _ names: [TensorName], count: Int = 1) -> StateDict {
        StateDict(path: path, tensors: names.map { TensorSource($0, [Float](repeating: 1, count: count)) })
    }

    private func select(_ stateDicts: [StateDict], path: String? = nil, keepsPrefix: Bool = false) throws
        -> StateDictSelection?
    {
        try StateDictSelection(checkpoint: Checkpoint(stateDicts), select: path, keepsPrefix: keepsPrefix)
    }

    @Test("wrappers' prefixes go when every name has them, bookkeeping aside")
    func prefixes() throws {
        let names: [TensorName] = ["module.model.a", "module.model.b", "n_averaged"]
        let selection = try #require(try select([stateDict([], names)]))
        #expect(selection.prefix == "module.model.")
        #expect(selection.tensors.map(\.name) == ["a", "b", "n_averaged"])
        #expect(selection.architecture == nil)
        #expect(selection.unrecognised?.code == .architectureUnknown)
        let kept = try #require(try select([stateDict([], names)], keepsPrefix: true))
        #expect(kept.prefix == "")
        #expect(kept.tensors.map(\.name) == names)
    }

    @Test("a prefix that some names lack, or whose loss makes two names one, stays")
    func keptPrefixes() throws {
        #expect(try select([stateDict([], ["module.a", "b"])])?.prefix == "")
        let colliding = try #require(try select([stateDict([], ["module.decay", "decay"])]))
        #expect(colliding.tensors.map(\.name) == ["module.decay", "decay"])
    }

    @Test("training state is never chosen, discriminators and losses come last, averaged weights first among equals")
    func plausible() throws {
        let optimizer = stateDict(["optimizer", "state", "0"], ["exp_avg"], count: 1000)
        let discriminator = stateDict(["discriminator"], ["w"], count: 500)
        let plain = stateDict(["params"], ["w"], count: 10)
        let averaged = stateDict(["params_ema"], ["w"], count: 10)
        let odd = stateDict(["something"], ["w"], count: 5)
        #expect(try select([optimizer, discriminator, odd])?.stateDict.path == ["something"])
        #expect(try select([optimizer, odd, averaged, plain])?.stateDict.path == ["params_ema"])
        #expect(try select([optimizer]) == nil)
        #expect(try select([optimizer, averaged, plain], path: "params")?.stateDict.path == ["params"])
    }

    private func candidates(_ stateDicts: [StateDict]) throws -> [String]? {
        guard case .open(let error) = try #require(try select(stateDicts)).choice else { return nil }
        #expect(error.code == .stateDictAmbiguous)
        return error.candidates.map(\.selector)
    }

    @Test("the choice is open among equals, and clear where one dwarfs the others or is averaged")
    func openChoices() throws {
        let m = stateDict(["m"], ["w"], count: 10)
        #expect(try candidates([m, stateDict(["dd"], ["w"], count: 99)]) == ["m", "dd"])
        #expect(try candidates([m, stateDict(["dd"], ["w"], count: 100)]) == nil)
        #expect(try candidates([m, stateDict(["dd_ema"], ["w"], count: 11)]) == nil)
        #expect(try candidates([stateDict(["model"], ["w"]), stateDict(["net"], ["w"])]) == ["model", "net"])
        // A usual name comes before the root, unless the root dwarfs it.
        let usual = stateDict(["state_dict"], ["w"], count: 10)
        #expect(try candidates([stateDict([], ["w"], count: 50), usual]) == nil)
        #expect(try select([stateDict([], ["w"], count: 50), usual])?.stateDict.path == ["state_dict"])
        #expect(try select([stateDict([], ["w"], count: 100), usual])?.stateDict.path == [])
        #expect(try select([stateDict([], ["w"]), stateDict(["m"], ["w"], count: 10)])?.stateDict.path == ["m"])
    }

    @Test("two names of the same tensors are one candidate")
    func sharedStateDicts() throws {
        let tensors = [TensorSource("w", [1, 2])]
        let twice = ["a", "b"].map { StateDict(path: [$0], tensors: tensors) }
        #expect(try candidates(twice) == nil)
        #expect(try select(twice)?.stateDict.path == ["a"])
    }

    @Test("the insides of rebuilt objects and of tensors that cannot be delivered are no candidates")
    func internals() throws {
        for path in [["jag", "@arg:2", "0"], ["x", "@state"], ["y", "@callable"]] {
            #expect(try select([stateDict(path, ["w"])]) == nil)
            #expect(try select([stateDict(path, ["w"])], path: path.joined(separator: "."))?.stateDict.path == path)
        }
        var checkpoint = Checkpoint([stateDict(["bad", "inner"], ["w"])])
        #expect(try StateDictSelection(checkpoint: checkpoint)?.stateDict.path == ["bad", "inner"])
        checkpoint.skipped = [SkippedTensor(path: ["bad"], reason: "None.")]
        #expect(try StateDictSelection(checkpoint: checkpoint) == nil)
    }

    @Test("a path that names nothing is a usage error; a file without state dicts has no selection")
    func missing() throws {
        #expect(try select([]) == nil)
        do {
            _ = try select([stateDict([], ["a"])], path: "nowhere")
            Issue.record("nothing was thrown")
        } catch let error as UD2MError {
            #expect(error.code == .stateDictMissing)
        }
    }

    @Test(
        "published models are known by their shapes",
        arguments: [
            ("adm_64x64_diffusion", ["64x64_diffusion"]), ("adm_128x128_diffusion", ["128x128_diffusion"]),
            ("adm_256x256_diffusion", ["256x256_diffusion"]),
            (
                "adm_256x256_diffusion_uncond",
                ["256x256_diffusion_uncond", "lsun_bedroom", "lsun_cat", "lsun_horse", "lsun_horse_nodropout"]
            ),
            ("adm_512x512_diffusion", ["512x512_diffusion"]), ("adm_64_256_upsampler", ["64_256_upsampler"]),
            ("adm_128_512_upsampler", ["128_512_upsampler"]), ("adm_ud2m_diffusion_ffhq_10m", ["diffusion_ffhq_10m"]),
            ("adm_ud2m_CIFAR10_diff", ["CIFAR10_diff"]), ("adm_ud2m_MNIST_diffusion", ["MNIST_diffusion"]),
        ])
    func knownModels(_ table: String, _ names: [String]) throws {
        let detected = try #require(try ArchitectureRegistry.detect(try KeyTable(table).index))
        #expect(detected.knownModels.names == names)
    }
}
