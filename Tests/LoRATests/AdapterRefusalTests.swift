import Testing
import UD2MFormats
import UD2MLoRA
import UD2MTestSupport

@Suite("adapters that are damaged, incomplete or of another base")
struct AdapterRefusalTests {
    private static let plain = #"{"peft_type": "LORA", "r": 2, "lora_alpha": 2}"#

    @Test(
        "unknown kinds are refused by name",
        arguments: [
            "lora_unet_a.oft_blocks", "lora_unet_a.oft_diag", "lora_unet_a.on_input", "lora_unet_a.a1.weight",
            "base_model.model.a.ia3_l", "base_model.model.a.vera_lambda_b", "base_model.model.a.boft_R",
            "base_model.model.a.hra_u", "prompt_embeddings",
        ])
    func kinds(_ name: String) throws {
        let factors = [("lora_unet_b.lora_up.weight", [2, 1]), ("lora_unet_b.lora_down.weight", [1, 2])]
        // LyCORIS writes an alpha beside any kind.
        for extra in [[], factors, factors + [("lora_unet_a.alpha", [])]] {
            let tensors = [(name, [2, 2])] + extra
            let folder = try TemporaryDirectory()
            let path = folder.path("a.safetensors")
            try SafetensorsFile.write(
                to: path,
                tensors: tensors.map {
                    TensorInput(
                        name: TensorName($0.0), shape: $0.1, floats: [1, 2, 3, 4].prefix($0.1.reduce(1, *)).map { $0 })
                })
            let error = thrownError { try Adapter(AdapterFile(path: path)) }
            #expect(error?.code == .adapterKind)
            #expect(error?.location.tensor == name)
            #expect(error?.location.file == path)
        }
    }

    @Test("a file without an adapter, and one with several")
    func none() throws {
        #expect(
            thrownError { try AdapterFile(path: AdapterFixture.path("lora/base.safetensors")) }?.code == .adapterMissing
        )
        let path = AdapterFixture.path("lora/ud2m.ckpt")
        #expect(thrownError { try AdapterFile(path: path, select: "nowhere") }?.code == .adapterMissing)
    }

    static let shapes: [([(String, [Int])], UD2MError.Code, String)] = [
        ([("a.lora_A.weight", [2, 3])], .adapterIncomplete, "a.lora_A.weight"),
        ([("a.lora_B.weight", [3, 2])], .adapterIncomplete, "a.lora_B.weight"),
        ([("a.lora_A.weight", [2, 3]), ("a.lora_B.weight", [3, 1])], .adapterShape, "a.lora_A.weight"),
        ([("a.lora_A.weight", [0, 3]), ("a.lora_B.weight", [3, 0])], .adapterRank, "a.lora_A.weight"),
        ([("a.lora_A.weight", []), ("a.lora_B.weight", [3, 1])], .adapterShape, "a.lora_A.weight"),
        ([("lora_unet_a.alpha", [])], .adapterIncomplete, "lora_unet_a"),
        (
            [
                ("lora_unet_a.lora_up.weight", [3, 2]), ("lora_unet_a.lora_down.weight", [2, 3]),
                ("lora_unet_a.alpha", [2]),
            ],
            .adapterShape, "lora_unet_a.alpha"
        ),
        (
            [("lora_unet_a.hada_w1_a", [3, 2]), ("lora_unet_a.hada_w1_b", [2, 3])], .adapterIncomplete,
            "lora_unet_a.hada_w1_b"
        ),
        ([("lora_unet_a.lokr_w1", [3, 2])], .adapterIncomplete, "lora_unet_a.lokr_w1"),
        ([("lora_unet_a.dora_scale", [3, 1])], .adapterKind, "lora_unet_a.dora_scale"),
        (
            [
                ("lora_unet_a.lora_up.weight", [3, 2]), ("lora_unet_a.lora_down.weight", [2, 3]),
                ("lora_unet_a.what", [1]),
            ],
            .adapterKind, "lora_unet_a.what"
        ),
        (
            [("lora_unet_a.lora_up.weight", [3, 2]), ("lora_unet_a.lora_up", [3, 2])], .adapterMixed,
            "lora_unet_a.lora_up"
        ),
        (
            [
                ("m.parametrizations.weight.0.lora_A", [3, 2]), ("m.parametrizations.weight.0.lora_B", [2, 3]),
                ("lora_unet_a.lora_up.weight", [3, 2]),
            ], .adapterMixed, ""
        ),
    ]

    @Test("factors that are missing or do not multiply", arguments: shapes.indices)
    func malformed(_ index: Int) throws {
        let (tensors, code, tensor) = Self.shapes[index]
        let error = thrownError { try AdapterFixture.adapter(tensors) }
        #expect(error?.code == code)
        #expect(error?.location.tensor ?? "" == tensor)
    }

    @Test(
        "PEFT's configuration is needed, and must be sound",
        arguments: [
            (nil, UD2MError.Code.adapterAlphaMissing),
            (#"{"peft_type": "LORA", "r": 3, "lora_alpha": 1}"#, .adapterRank),
            (#"{"peft_type": "LORA", "r": 0, "lora_alpha": 1}"#, .adapterRank),
            (#"{"peft_type": "LORA", "r": 2}"#, .adapterAlphaMissing), ("[]", .adapterConfiguration),
            (#"{"peft_type": "OFT", "r": 2, "lora_alpha": 1}"#, .adapterKind),
            (#"{"peft_type": "LORA", "r": 2, "lora_alpha": "1"}"#, .adapterConfiguration),
            (#"{"r": 2, "lora_alpha": 1, "alpha_pattern": {"(?=a)a": 2}}"#, .adapterConfiguration),
            (#"{"r": 2, "lora_alpha": 1, "alpha_pattern": {"(a{99}){99}": 2}}"#, .adapterConfiguration),
            (#"{"r": 2, "lora_alpha": 1, "alpha_pattern": []}"#, .adapterConfiguration),
            (#"{"r": 2, "lora_alpha": 1, "use_rslora": "yes"}"#, .adapterConfiguration),
            (#"{"r": 2, "lora_alpha": 1, "fan_in_fan_out": 1}"#, .adapterConfiguration),
            (#"{"r": 2, "lora_alpha": 1, "bias": true}"#, .adapterConfiguration),
            (#"{"r": 2, "lora_alpha": 1, "init_lora_weights": 3}"#, .adapterConfiguration),
            (#"{"r": 2, "lora_alpha": 1, "use_qalora": true}"#, .adapterKind),
            (#"{"r": 2, "lora_alpha": 1, "kasa_config": {"beta": 1}}"#, .adapterKind),
            (#"{"r": 2, "lora_alpha": 1, "use_bdlora": {"nblocks": 2}}"#, .adapterKind),
            (#"{"r": 2, "lora_alpha": 1, "layer_replication": [[0, 1]]}"#, .adapterConfiguration),
            (#"{"r": 2, "lora_alpha": 1, "alpha_pattern": {"a": null}}"#, .adapterConfiguration),
        ] as [(String?, UD2MError.Code)])
    func configuration(_ text: String?, _ code: UD2MError.Code) throws {
        let tensors = [("base_model.model.a.lora_A.weight", [2, 3]), ("base_model.model.a.lora_B.weight", [3, 2])]
        #expect(thrownError { try AdapterFixture.adapter(tensors, configuration: text) }?.code == code)
        #expect(try AdapterFixture.adapter(tensors, alpha: 4).targets[0].change.scale == 2)
        #expect(try AdapterFixture.adapter(tensors, configuration: Self.plain).targets[0].change.scale == 1)
    }

    @Test("ranks that regular expressions give are those of the factors")
    func rankExpressions() throws {
        let tensors = [("base_model.model.a.lora_A.weight", [2, 3]), ("base_model.model.a.lora_B.weight", [3, 2])]
        // The second is not read: the factors tell.
        for key in ["a.*", "(?=a).*"] {
            let text = #"{"peft_type": "LORA", "r": 8, "lora_alpha": 4, "rank_pattern": {"\#(key)": 2}}"#
            #expect(try AdapterFixture.adapter(tensors, configuration: text).targets[0].change.scale == 2)
        }
        let other = #"{"peft_type": "LORA", "r": 8, "lora_alpha": 4, "rank_pattern": {"b.*": 2}}"#
        #expect(thrownError { try AdapterFixture.adapter(tensors, configuration: other) }?.code == .adapterRank)
    }

    @Test("alphas that regular expressions give are PEFT's: the first that fits the name or its end behind a dot")
    func alphaExpressions() throws {
        let modules = ["layers.3.q_proj", "layers.12.q_proj", "layers.3.v_proj"]
        let tensors = modules.flatMap { module in
            [
                ("base_model.model.\(module).lora_A.weight", [2, 3]),
                ("base_model.model.\(module).lora_B.weight", [3, 2]),
            ]
        }
        let patterns = #"{"layers\\.(1[0-9]|2\\d)\\..*": 4, "[qk]_proj": 8, ".*": 16}"#
        let text = #"{"r": 2, "lora_alpha": 2, "alpha_pattern": \#(patterns)}"#
        let adapter = try AdapterFixture.adapter(tensors, configuration: text)
        #expect(adapter.targets.map(\.module) == ["layers.12.q_proj", "layers.3.q_proj", "layers.3.v_proj"])
        #expect(adapter.targets.map(\.change.scale) == [2, 4, 8])
    }

    @Test("initialisations that change the base are told")
    func changedBase() throws {
        let tensors = [("base_model.model.a.lora_A.weight", [2, 3]), ("base_model.model.a.lora_B.weight", [3, 2])]
        let text = #"{"r": 2, "lora_alpha": 2, "init_lora_weights": "pissa_niter_16"}"#
        let adapter = try AdapterFixture.adapter(tensors, configuration: text)
        #expect(adapter.notes.count == 1)
        #expect(adapter.changedBase?.initialisation == "pissa_niter_16")
        let plain = try AdapterFixture.adapter(tensors, configuration: Self.plain)
        #expect(plain.notes.isEmpty && plain.changedBase == nil)
    }

    @Test("numbers that are not finite are refused before and while merging", arguments: [Float.nan, .infinity])
    func notFinite(_ value: Float) throws {
        let adapter = try AdapterFixture.adapter([
            TensorSource("a.lora_A.weight", [1, value], shape: [1, 2]),
            TensorSource("a.lora_B.weight", [1, 1], shape: [2, 1]),
        ])
        let error = thrownError { try adapter.requireFinite() }
        #expect(error?.code == .adapterNotFinite)
        #expect(error?.location.tensor == "a.lora_A.weight")
        let base = AdapterFixture.base([("a.weight", [2, 2], [1, 2, 3, 4])])
        #expect(thrownError { try AdapterFixture.merge([(adapter, 1)], into: base) }?.code == .adapterNotFinite)
        let alpha = [
            ("lora_unet_a.lora_up.weight", [2, 1], [1, 1]), ("lora_unet_a.lora_down.weight", [1, 2], [1, 1]),
            ("lora_unet_a.alpha", [], [value]),
        ]
        #expect(
            thrownError { try AdapterFixture.adapter(alpha.map { TensorSource($0.0, $0.2, shape: $0.1) }) }?.code
                == .adapterNotFinite)
    }

    @Test("another base: missing tensors, other shapes, no numbers, other weights")
    func otherBase() throws {
        let adapter = try AdapterFixture.adapter([("a.lora_A.weight", [1, 2]), ("a.lora_B.weight", [3, 1])])
        func error(_ base: AdapterBase, allowUnmatched: Bool = false) -> UD2MError? {
            thrownError {
                try AdapterBinding(adapter, to: base).requireComplete(base: base.path, allowUnmatched: allowUnmatched)
            }
        }
        #expect(error(AdapterFixture.base([("a.weight", [3, 2], Array(repeating: 0, count: 6))])) == nil)
        #expect(error(AdapterFixture.base([("a.weight", [3, 2, 1, 1], Array(repeating: 0, count: 6))])) == nil)
        for base in [
            AdapterFixture.base([("b.weight", [3, 2], Array(repeating: 0, count: 6))]),
            AdapterFixture.base([("a.weight", [2, 3], Array(repeating: 0, count: 6))]),
            AdapterFixture.base([("a.weight", [3, 2, 3], Array(repeating: 0, count: 18))]),
            AdapterBase(path: "base", tensors: []),
        ] {
            let found = error(base)
            #expect(found?.code == .adapterBaseMismatch)
            #expect(found?.mismatches.count == 1)
            // What fits nothing at all is refused even where gaps are allowed.
            #expect(error(base, allowUnmatched: true)?.code == .adapterBaseMismatch)
        }
        let dump = try AdapterFixture.adapter([
            ("m.parametrizations.weight.0.lora_A", [2, 1]), ("m.parametrizations.weight.0.lora_B", [1, 2]),
            ("m.parametrizations.weight.original", [2, 2]),
        ])
        let name = "m.parametrizations.weight.original"
        let same = AdapterFixture.base([("m.weight", [2, 2, 1], AdapterFixture.numbers(name, [2, 2]))])
        let other = AdapterFixture.base([("m.weight", [2, 2, 1], [0, 0, 0, 0])])
        try AdapterBinding(dump, to: same).requireSameOriginals(base: "base")
        #expect(
            thrownError { try AdapterBinding(dump, to: other).requireSameOriginals(base: "base") }?.code
                == .adapterBaseMismatch)
    }

    @Test("kohya's names without dots fit one module or are refused")
    func ambiguousNames() throws {
        let adapter = try AdapterFixture.adapter([
            ("lora_unet_a_b_c.lora_up.weight", [2, 1]), ("lora_unet_a_b_c.lora_down.weight", [1, 2]),
            ("lora_unet_a_b_c.alpha", [1]),
        ])
        let numbers = [Float](repeating: 1, count: 4)
        let one = AdapterFixture.base([("a.b_c.weight", [2, 2], numbers)])
        #expect(try AdapterBinding(adapter, to: one).isComplete)
        let two = AdapterFixture.base([("a.b_c.weight", [2, 2], numbers), ("a_b.c.weight", [2, 2], numbers)])
        let error = thrownError { try AdapterBinding(adapter, to: two) }
        #expect(error?.code == .adapterNameAmbiguous)
        let prefixed = AdapterFixture.base([("model.diffusion_model.a.b.c.weight", [2, 2], numbers)])
        #expect(try AdapterBinding(adapter, to: prefixed).isComplete)
    }

    @Test("diffusers' modules without an alpha have scale 1, which is told; kohya's are refused")
    func noAlpha() throws {
        let diffusers = try AdapterFixture.adapter([("a.lora_A.weight", [4, 2]), ("a.lora_B.weight", [2, 4])])
        #expect(diffusers.targets[0].change.scale == 1)
        #expect(diffusers.notes.count == 1)
        let none = [("lora_unet_a.lora_up.weight", [2, 4]), ("lora_unet_a.lora_down.weight", [4, 2])]
        let some =
            none + [
                ("lora_unet_b.lora_up.weight", [2, 3]), ("lora_unet_b.lora_down.weight", [3, 2]),
                ("lora_unet_b.alpha", [1]),
            ]
        for tensors in [none, some] {
            let error = thrownError { try AdapterFixture.adapter(tensors) }
            #expect(error?.code == .adapterAlphaMissing)
            #expect(error?.location.tensor == "a")
            let number = try AdapterFixture.adapter(tensors, alpha: 2)
            #expect(number.targets[0].change.scale == 0.5 && number.notes.isEmpty)
            #expect(try AdapterFixture.adapter(tensors, alpha: .rank).targets[0].change.scale == 1)
        }
        // Two whole sides of LoKr have no rank, and need none.
        #expect(try AdapterFixture.adapter("lora/lokr_dora.safetensors").targets.count == 1)
    }

    @Test("a base whose type cannot be changed, and lengths of DoRA of another number, are said to be that")
    func otherTypes() throws {
        let adapter = try AdapterFixture.adapter([("a.lora_A.weight", [1, 2]), ("a.lora_B.weight", [3, 1])])
        let base = AdapterBase(
            path: "base", tensors: [TensorSource("a.weight", [1, 2, 3, 4, 5, 6], shape: [3, 2], as: .i32)])
        let binding = try AdapterBinding(adapter, to: base)
        #expect(binding.mismatches.first?.reason?.contains("I32") == true)
        let error = thrownError { try binding.requireComplete(base: "base", allowUnmatched: false) }
        #expect(error?.code == .adapterBaseMismatch)
        #expect(error?.message.contains("[3, 2] instead of [3, 2]") == false)
        let options = AdapterConversion.Options(convention: .kohya)
        #expect(
            thrownError { try AdapterConversion(adapter, options: options, base: base) }?.message.contains("I32")
                == true)
        let lengths = try AdapterFixture.adapter([
            ("lora_unet_a.lora_up.weight", [3, 1]), ("lora_unet_a.lora_down.weight", [1, 2]),
            ("lora_unet_a.alpha", [1]),
            ("lora_unet_a.dora_scale", [4, 1]),
        ])
        let floats = AdapterFixture.base([("a.weight", [3, 2], [1, 2, 3, 4, 5, 6])])
        #expect(try AdapterBinding(lengths, to: floats).mismatches.first?.reason != nil)
        let whole = try AdapterFixture.adapter(
            [("base_model.model.a.weight", [3, 2, 1])] + [
                ("base_model.model.b.lora_A.weight", [1, 2]), ("base_model.model.b.lora_B.weight", [2, 1]),
            ], configuration: Self.plain.replacing("2", with: "1"))
        #expect(try AdapterBinding(whole, to: floats).mismatches.first?.expected == [3, 2, 1])
    }
}
