import UD2MFormats

/// The configuration that PEFT and diffusers need beside the factors.
struct PEFTWriter {
    private let factors: [(module: String, factors: LowRankFactors)]
    /// Modules that are saved whole: those with a changed tensor that is no factor and no bias beside factors.
    let wholeModules: [String]
    private let trainsBiases: Bool
    private let usesRootOfRank: Bool
    private let changedBase: ChangedBase?

    init(_ targets: [AdapterTarget], changedBase: ChangedBase? = nil) {
        self.changedBase = changedBase
        factors = targets.compactMap { target in target.change.lowRank.map { (target.module, $0) } }
        let factored = Set(factors.map(\.module))
        let whole = targets.filter { $0.change.isWhole && !factored.contains($0.module) }
        let saved = Set(whole.filter { $0.parameter != "bias" }.map(\.module))
        wholeModules = saved.sorted()
        // PEFT wraps no module of a single bias, and none that has factors; biases it loads by themselves.
        trainsBiases = targets.contains {
            $0.change.isWhole && $0.parameter == "bias" && !saved.contains($0.module)
        }
        usesRootOfRank =
            !factors.isEmpty
            && factors.allSatisfy { $0.factors.scale.usesRootOfRank && $0.factors.scale.multiplier == 1 }
    }

    /// Refuses what PEFT says once for all modules where it is true of some only.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-not-expressible` at the first module that differs.
    func requireUniform(file: String) throws(UD2MError) {
        let matrices = factors.filter { $0.factors.layer != .embedding && $0.factors.down.tensor.shape.count == 2 }
        let isMixed = matrices.contains { $0.factors.layer == .inputsFirst }
        if isMixed, let first = matrices.first(where: { $0.factors.layer == .plain }) {
            throw UD2MError(
                .adapterNotExpressible, "PEFT has all linear layers of an adapter stored inputs first, or none.",
                at: .init(file: file, tensor: first.module), remedy: "Keep the adapters apart.")
        }
        let hasLengths = factors.contains { $0.factors.magnitude != nil }
        if hasLengths, let first = factors.first(where: { $0.factors.magnitude == nil }) {
            throw UD2MError(
                .adapterNotExpressible, "PEFT has DoRA for all modules of an adapter, or for none.",
                at: .init(file: file, tensor: first.module),
                remedy: "Merge the adapter into its network, or convert it to kohya.")
        }
    }

    private func alpha(_ factors: LowRankFactors) -> Double {
        usesRootOfRank ? factors.scale.alpha : factors.scale.plainAlpha
    }

    /// `adapter_config.json`: the commonest rank and alpha for all, and patterns for the others.
    var configuration: JSONValue {
        struct Rule: Hashable {
            let rank: Int
            let alpha: Double
        }
        let rules = factors.map { Rule(rank: $0.factors.rank, alpha: alpha($0.factors)) }
        let counts = Dictionary(rules.map { ($0, 1) }, uniquingKeysWith: +)
        let common =
            counts.max { ($0.value, $1.key.rank, $1.key.alpha) < ($1.value, $0.key.rank, $0.key.alpha) }?.key
            ?? Rule(rank: 1, alpha: 1)
        var (ranks, alphas) = (JSONObject(), JSONObject())
        for (item, rule) in zip(factors, rules) {
            // Anchored: PEFT takes a pattern for the end of any name.
            if rule.rank != common.rank { ranks["^\(item.module)"] = JSONValue(rule.rank) }
            if rule.alpha != common.alpha { alphas["^\(item.module)"] = .double(rule.alpha) }
        }
        var object = JSONObject()
        object["peft_type"] = "LORA"
        object["task_type"] = .null
        object["inference_mode"] = true
        object["base_model_name_or_path"] = .null
        object["r"] = JSONValue(common.rank)
        object["lora_alpha"] = .double(common.alpha)
        object["lora_dropout"] = .double(0)
        object["bias"] = trainsBiases ? "all" : "none"
        object["fan_in_fan_out"] = .bool(factors.contains { $0.factors.layer == .inputsFirst })
        object["use_rslora"] = .bool(usesRootOfRank)
        object["use_dora"] = .bool(factors.contains { $0.factors.magnitude != nil })
        object["target_modules"] = .array(factors.map { .string($0.module) })
        object["modules_to_save"] = wholeModules.isEmpty ? .null : .array(wholeModules.map { .string($0) })
        object["rank_pattern"] = .object(ranks)
        object["alpha_pattern"] = .object(alphas)
        // PEFT takes the factors out of the network again when it loads the adapter.
        for (key, value) in changedBase?.fields ?? [] { object[key] = value }
        return .object(object)
    }

    /// The text of diffusers' metadata key: the configuration of each component, its name before every field.
    static func diffusers(_ targets: [AdapterTarget]) throws -> String {
        var object = JSONObject()
        let components = Set(targets.map { $0.component ?? "unet" }).sorted()
        for component in components {
            let part = targets.filter { ($0.component ?? "unet") == component }
            guard case .object(let fields) = PEFTWriter(part).configuration else { continue }
            for (key, value) in fields.members { object["\(component).\(key)"] = value }
        }
        return try JSONValue.object(object).canonicalText()
    }
}
