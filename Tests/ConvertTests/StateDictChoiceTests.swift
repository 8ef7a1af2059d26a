import Testing
import UD2MConvert
import UD2MFormats

/// Finding the network among what training leaves in a file (`formats.md` §9).
@Suite struct StateDictChoiceTests {
    /// A published network's names and shapes, over a storage without bytes: choosing reads none.
    private static func network(_ rename: (String) -> String = { $0 }) throws -> [TensorSource] {
        try KeyTable("adm_ud2m_MNIST_diffusion").shapes.sorted { $0.key < $1.key }.map { name, shape in
            TensorSource(TensorName(rename(name.text)), [UInt8](), .f32, shape: shape)
        }
    }

    private static func plan(_ stateDicts: [StateDict], select: String? = nil) throws -> ConversionPlan {
        try ConversionPlan(checkpoint: Checkpoint(stateDicts), select: select)
    }

    @Test func lightningAttributesAndWrappersAreStripped() throws {
        let tensors = try Self.network { "model._orig_mod." + $0 }
        let plan = try Self.plan([StateDict(path: ["state_dict"], tensors: tensors)])
        #expect(plan.choice.prefix == "model.")
        #expect(plan.isComplete)
    }

    @Test("wrappers inside names go", arguments: ["_orig_mod", "_checkpoint_wrapped_module"])
    func innerWrappers(_ wrapper: String) throws {
        let tensors = try Self.network { $0.replacing(".0.", with: ".0.\(wrapper).") }
        let plan = try Self.plan([StateDict(path: [], tensors: tensors)])
        #expect(plan.isComplete)
    }

    @Test func aNetworkBesideOthersIsFound() throws {
        let other = TensorSource("first_stage_model.encoder.weight", [1])
        let tensors = try Self.network { "model.diffusion_model." + $0 }
        let plan = try Self.plan([StateDict(path: ["state_dict"], tensors: [other] + tensors)])
        #expect(plan.choice.prefix == "model.diffusion_model.")
        #expect(plan.isComplete)
    }

    @Test func averagedNamesWithoutDotsAreMatched() throws {
        let plain = try Self.network { "model.diffusion_model." + $0 }
        let averaged = try Self.network { "model_ema." + ("diffusion_model." + $0).replacing(".", with: "") }
        let extra = [
            TensorSource("model_ema.decay", [1], shape: []), TensorSource("model_ema.num_updates", [1], shape: []),
        ]
        let stateDict = StateDict(path: ["state_dict"], tensors: plain + averaged + extra)
        let plan = try Self.plan([stateDict])
        #expect(plan.choice.prefix == "model_ema.")
        #expect(plan.isComplete)
        #expect(plan.mapped.allSatisfy { $0.path.last?.hasPrefix("model_ema.") == true })
        #expect(plan.runnersUp.map(\.prefix) == ["model.diffusion_model."])
        let chosen = try Self.plan([stateDict], select: "state_dict:model.diffusion_model.")
        #expect(chosen.choice.prefix == "model.diffusion_model.")
        #expect(chosen.mapped.allSatisfy { $0.path.last?.hasPrefix("model.") == true })
    }

    @Test func anAveragedNetworkThatLacksATensorIsNotTaken() throws {
        let plain = try Self.network { "model." + $0 }
        let averaged = try Self.network { "model_ema." + $0.replacing(".", with: "") }.dropLast()
        let plan = try Self.plan([StateDict(path: ["state_dict"], tensors: plain + averaged)])
        #expect(plan.choice.prefix == "model.")
    }

    @Test func averagedStateDictsWinAmongEquals() throws {
        let plan = try Self.plan([
            StateDict(path: ["params"], tensors: Self.network()),
            StateDict(path: ["params_ema"], tensors: Self.network()),
        ])
        #expect(plan.choice.stateDict.path == ["params_ema"])
        #expect(plan.runnersUp.map(\.stateDict.path) == [["params"]])
    }

    private static func network(_ table: String) throws -> [TensorSource] {
        try KeyTable(table).shapes.sorted { $0.key < $1.key }.map {
            TensorSource($0.key, [UInt8](), .f32, shape: $0.value)
        }
    }

    @Test func differentNetworksOfOneFamilyMustBeAskedFor() throws {
        let one = StateDict(path: ["one"], tensors: try Self.network())
        let two = StateDict(path: ["two"], tensors: try Self.network("adm_ud2m_CIFAR10_diff"))
        let error = try #require(Self.error([one, two]))
        #expect(error.code == .architectureAmbiguous)
        #expect(Set(error.candidates.map(\.selector)) == ["one", "two"])
        #expect(error.remedy?.contains("--select") == true)
        #expect(try Self.plan([one, two], select: "two").choice.stateDict.path == ["two"])
        let selection = try #require(try StateDictSelection(checkpoint: Checkpoint([one, two])))
        guard case .open = selection.choice else {
            Issue.record("the choice is open")
            return
        }
        // A network that lacks a tensor loses against a whole one of its family.
        let cut = StateDict(path: ["two"], tensors: Array(two.tensors.dropLast()))
        #expect(try Self.plan([one, cut]).choice.stateDict.path == ["one"])
    }

    @Test func theSameNetworkTwiceIsTakenByItsNameOrAskedFor() throws {
        let m = StateDict(path: ["m"], tensors: try Self.network())
        let d = StateDict(path: ["d"], tensors: try Self.network())
        #expect(Self.error([m, d])?.code == .stateDictAmbiguous)
        let usual = StateDict(path: ["state_dict"], tensors: try Self.network())
        #expect(try Self.plan([m, usual]).choice.stateDict.path == ["state_dict"])
        // Two names of the same bytes are no choice.
        #expect(try Self.plan([m, StateDict(path: ["d"], tensors: m.tensors)]).choice.stateDict.path == ["m"])
    }

    @Test func partsOfOneStateDictAreAskedForByTheirPrefix() throws {
        let student = try Self.network { "student." + $0 }
        let teacher = try Self.network { "teacher." + $0 }
        let both = StateDict(path: ["weights"], tensors: student + teacher)
        let error = try #require(Self.error([both]))
        #expect(error.candidates.map(\.selector) == ["weights:student.", "weights:teacher."])
        #expect(try Self.plan([both], select: "weights:teacher.").choice.prefix == "teacher.")
    }

    private static func adapters(dropping dropped: String = "", rank: Int = 5) -> StateDict {
        let names: [(TensorName, [Int])] = [
            ("middle_block.1.qkv.parametrizations.weight.0.lora_A", [12, rank]),
            ("middle_block.1.qkv.parametrizations.weight.0.lora_B", [5, 4]), ("out.0.weight", [4]), ("out.0.bias", [4]),
            ("out.2.weight", [6, 4, 3, 3]), ("out.2.bias", [6]),
        ]
        return StateDict(
            path: ["state_dict"],
            tensors: names.filter { $0.0.text != dropped }.map { TensorSource($0.0, [UInt8](), .f32, shape: $0.1) })
    }

    private static func error(_ stateDicts: [StateDict]) -> UD2MError? {
        do {
            _ = try plan(stateDicts)
            return nil
        } catch {
            return error as? UD2MError
        }
    }

    @Test func checkpointsOfUD2MSayThatTheBaseIsMissing() {
        let optimizer = StateDict(
            path: ["optimizer_states", "0", "state", "0"], tensors: [TensorSource("exp_avg", [1])])
        let error = Self.error([optimizer, Self.adapters()])
        #expect(error?.code == .baseNetworkMissing)
        #expect(error?.location.file == "memory.pt")
        #expect(error?.remedy != nil)
    }

    @Test func halvesOfAdaptersMustFit() {
        let base = "middle_block.1.qkv.parametrizations.weight.0."
        #expect(Self.error([Self.adapters(dropping: base + "lora_A")])?.code == .adapterMalformed)
        #expect(Self.error([Self.adapters(dropping: base + "lora_B")])?.code == .adapterMalformed)
        let unequal = Self.error([Self.adapters(rank: 3)])
        #expect(unequal?.code == .adapterMalformed)
        #expect(unequal?.location.tensor == base + "lora_A")
    }
}
