import UD2MFormats

/// What a tensor of an adapter is to its module.
enum AdapterRole: Hashable {
    /// The factor with the module's outputs, [outputs, r].
    case up
    /// The factor with the module's inputs, [r, inputs…].
    case down
    /// The core between them, [r, r, k…] (Tucker).
    case mid
    /// The numerator of the scale.
    case alpha
    /// A factor on the scale (LyCORIS).
    case scalar
    /// The lengths of DoRA.
    case magnitude
    /// Factors of an embedding: [r, words] and [width, r].
    case embeddingDown
    case embeddingUp
    /// What is added to the module's bias, times the scale (PEFT's `lora_bias`).
    case upBias
    /// Factors of a Hadamard product (LoHa); the numbers are 1 and 2.
    case hadamardUp(Int)
    case hadamardDown(Int)
    case hadamardCore(Int)
    /// Sides of a Kronecker product (LoKr).
    case kroneckerWhole(Int)
    case kroneckerUp(Int)
    case kroneckerDown(Int)
    case kroneckerCore(Int)
    /// Differences of a whole parameter.
    case difference(String)
    /// The base's own value of a parameter.
    case original(String)
}

/// A tensor's name taken apart.
struct AdapterKey {
    /// Whose spelling the ending is.
    enum Spelling: Hashable {
        case ud2m
        /// `lora_A`, `lora_B`: PEFT's, which diffusers uses as well.
        case peft
        /// diffusers before it used PEFT.
        case oldDiffusers
        /// kohya's and LyCORIS'.
        case kohya
        /// What several have.
        case any
    }

    /// What stands before the ending.
    let module: String
    let role: AdapterRole
    let spelling: Spelling

    /// Takes a name apart; nil for a name that is a plain parameter or of no known kind.
    init?(_ name: String) {
        if let (module, rest) = Self.split(name, at: ".parametrizations.") {
            // parameter.0.lora_A, or parameter.original.
            let parts = rest.split(separator: ".", omittingEmptySubsequences: false)
            switch (parts.count, parts.last) {
            case (3, "lora_A"): self.init(module, .up, .ud2m)
            case (3, "lora_B"): self.init(module, .down, .ud2m)
            case (2, "original"): self.init(module, .original(String(parts[0])), .ud2m)
            default: return nil
            }
            guard parts[0] == "weight" || role == .original(String(parts[0])) else { return nil }
            return
        }
        for (ending, role, spelling) in Self.endings where name.hasSuffix(ending) {
            self.init(Self.oldAttention(String(name.dropLast(ending.count)), ending), role, spelling)
            return
        }
        // PEFT keeps the adapter's name inside while it trains: `lora_A.default.weight`.
        for (middle, role) in Self.named {
            guard let (module, rest) = Self.split(name, at: middle) else { continue }
            let parts = rest.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 1 || (parts.count == 2 && (parts[1] == "weight" || parts[1] == "bias")) else {
                continue
            }
            let isBias = parts.last == "bias"
            guard !isBias || role == .up else { continue }
            self.init(module, isBias ? .upBias : role, .peft)
            return
        }
        return nil
    }

    private init(_ module: String, _ role: AdapterRole, _ spelling: Spelling) {
        self.module = module
        self.role = role
        self.spelling = spelling
    }

    private static func split(_ name: String, at separator: String) -> (before: String, after: String)? {
        guard let range = name.ranges(of: separator).last else { return nil }
        return (String(name[..<range.lowerBound]), String(name[range.upperBound...]))
    }

    /// The endings of single-purpose names; an ending stands before another that it ends with.
    private static let endings: [(String, AdapterRole, Spelling)] = [
        (".lora_down.weight", .down, .kohya), (".lora_up.weight", .up, .kohya), (".lora_mid.weight", .mid, .kohya),
        (".lora_down", .down, .kohya), (".lora_up", .up, .kohya), (".lora_mid", .mid, .kohya),
        (".alpha", .alpha, .any), (".dora_scale", .magnitude, .any), (".scalar", .scalar, .kohya),
        (".lora_A.weight", .down, .peft), (".lora_B.weight", .up, .peft), (".lora_B.bias", .upBias, .peft),
        (".lora_A", .down, .peft), (".lora_B", .up, .peft),
        (".lora_embedding_A", .embeddingDown, .peft), (".lora_embedding_B", .embeddingUp, .peft),
        (".lora_magnitude_vector.weight", .magnitude, .peft), (".lora_magnitude_vector", .magnitude, .peft),
        (".base_layer.weight", .original("weight"), .peft), (".base_layer.bias", .original("bias"), .peft),
        (".lora.down.weight", .down, .oldDiffusers), (".lora.up.weight", .up, .oldDiffusers),
        (".lora_linear_layer.down.weight", .down, .oldDiffusers), (".lora_linear_layer.up.weight", .up, .oldDiffusers),
        ("_lora.down.weight", .down, .oldDiffusers), ("_lora.up.weight", .up, .oldDiffusers),
        (".hada_w1_a", .hadamardUp(1), .any), (".hada_w1_b", .hadamardDown(1), .any),
        (".hada_w2_a", .hadamardUp(2), .any), (".hada_w2_b", .hadamardDown(2), .any),
        (".hada_t1", .hadamardCore(1), .any), (".hada_t2", .hadamardCore(2), .any),
        (".lokr_w1", .kroneckerWhole(1), .any), (".lokr_w2", .kroneckerWhole(2), .any),
        (".lokr_w1_a", .kroneckerUp(1), .any), (".lokr_w1_b", .kroneckerDown(1), .any),
        (".lokr_w2_a", .kroneckerUp(2), .any), (".lokr_w2_b", .kroneckerDown(2), .any),
        (".lokr_t2", .kroneckerCore(2), .any),
        (".diff", .difference("weight"), .kohya), (".diff_b", .difference("bias"), .kohya),
        (".w_norm", .difference("weight"), .kohya), (".b_norm", .difference("bias"), .kohya),
    ]

    private static let named: [(String, AdapterRole)] = [
        (".lora_A.", .down), (".lora_B.", .up), (".lora_embedding_A.", .embeddingDown),
        (".lora_embedding_B.", .embeddingUp), (".lora_magnitude_vector.", .magnitude),
        (".hada_w1_a.", .hadamardUp(1)), (".hada_w1_b.", .hadamardDown(1)), (".hada_w2_a.", .hadamardUp(2)),
        (".hada_w2_b.", .hadamardDown(2)), (".lokr_w1.", .kroneckerWhole(1)), (".lokr_w2.", .kroneckerWhole(2)),
    ]

    /// `attn1.processor.to_out_lora.down.weight` is of `attn1.to_out.0`, as diffusers had attention processors hold them.
    private static func oldAttention(_ module: String, _ ending: String) -> String {
        guard ending.hasPrefix("_lora.") else { return module }
        let plain = module.replacing(".processor.", with: ".")
        return plain.hasSuffix(".to_out") ? plain + ".0" : plain
    }

    /// The kind of adapter that a name belongs to where it is one that cannot be merged; nil for other names.
    static func refusedKind(_ name: String) -> String? {
        let kinds: [(String, [String])] = [
            ("IA³", [".on_input", ".ia3_l", ".ia3_l.default"]),
            ("OFT", [".oft_blocks", ".oft_diag", ".oft_r", ".oft_R", ".oft_s", ".oft_R.weight"]),
            ("BOFT", [".boft_R", ".boft_s"]),
            (
                "GLoRA",
                [
                    ".a1.weight", ".a2.weight", ".b1.weight", ".b2.weight", ".bm1.weight", ".bm2.weight", ".a1", ".a2",
                    ".b1", ".b2",
                ]
            ),
            ("VeRA", [".vera_lambda_b", ".vera_lambda_d", ".vera_A", ".vera_B", "vera_A", "vera_B"]),
            ("FourierFT", [".fourierft_spectrum"]), ("HRA", [".hra_u"]),
            ("VB-LoRA", [".vblora_logits_A", ".vblora_logits_B"]),
            ("RandLoRA", [".randlora_lambda", ".randlora_gamma"]), ("prompt tuning", ["prompt_embeddings"]),
            ("trainable tokens", [".trainable_tokens_delta"]),
        ]
        return kinds.first { $0.1.contains(where: name.hasSuffix) }?.0
    }
}
