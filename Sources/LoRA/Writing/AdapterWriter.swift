import UD2MFormats

/// Spells the targets of an adapter in a convention.
struct AdapterWriter {
    let options: AdapterConversion.Options

    private var convention: AdapterConvention { options.convention }

    // MARK: What a convention can hold

    /// Why a convention cannot hold a target, and what to do, as sentences.
    struct Refusal {
        let reason: String
        let remedy: String

        /// A change that has no other form.
        init(_ reason: String, remedy: String = "Pass --drop-others to leave such changes out, which are then listed.")
        {
            self.reason = reason
            self.remedy = remedy
        }

        /// A change that plain factors come near to.
        static func approximable(_ reason: String) -> Refusal {
            Refusal(
                reason,
                remedy: "Pass --rank, --energy or --error for factors near it, whose error is then stated; DoRA needs "
                    + "--base too.")
        }

        /// A whole tensor that would be the other kind of whole tensor beside its base.
        static func needsBase(_ reason: String) -> Refusal {
            Refusal(
                reason,
                remedy:
                    "Pass --base with the network, from which such changes can be computed, or --drop-others to leave "
                    + "them out.")
        }
    }

    /// Why the convention cannot hold a target; nil when it can.
    func refusal(of target: AdapterTarget) -> Refusal? {
        switch target.change {
        case .lowRank(let factors): return refusal(of: factors, parameter: target.parameter)
        case .hadamard, .kronecker:
            return .approximable("A product of kind \(target.change.kind) is no product of two factors.")
        case .difference(_, let scale):
            guard convention != .kohya || scale != 1 else { return nil }
            let reason = "A whole tensor of differences."
            return convention == .diffusers ? Refusal(reason) : .needsBase(reason)
        case .replacement:
            guard convention != .ud2m, convention != .peft else { return nil }
            let reason = "A whole tensor in place of the base's."
            return convention == .kohya ? .needsBase(reason) : Refusal(reason)
        }
    }

    private func refusal(of factors: LowRankFactors, parameter: String) -> Refusal? {
        guard parameter == "weight" else { return Refusal("Factors of something else than a weight.") }
        guard factors.layer == .plain || convention == .peft else {
            // What reads these conventions knows linear layers and convolutions only.
            return Refusal(
                factors.layer == .embedding
                    ? "Factors of an embedding." : "Factors of a layer that is stored inputs first (fan_in_fan_out).",
                remedy: "Only PEFT has a place for them: use --to peft, merge the adapter into its network, or pass "
                    + "--drop-others to leave such changes out.")
        }
        guard factors.down.core == nil else { return .approximable("Factors with a Tucker core.") }
        if let magnitude = factors.magnitude {
            guard convention == .kohya || (convention == .peft && !magnitude.isOfInputs) else {
                return .approximable("DoRA\(magnitude.isOfInputs ? " with lengths of inputs" : "").")
            }
        }
        guard convention == .ud2m else { return nil }
        guard factors.down.tensor.shape.dropFirst(2).allSatisfy({ $0 == 1 }) else {
            return Refusal(
                "A convolution with a kernel larger than 1.",
                remedy: "UD2M's form has matrices only: use another convention, merge the adapter into its network, or "
                    + "pass --drop-others to leave such changes out.")
        }
        guard !options.foldsScale, !keepsScale(factors.scale) else { return nil }
        return Refusal(
            "A scale of \(factors.scale.value); it is always \(AdapterReader.ud2mAlpha) divided by the rank.",
            remedy: "Pass --fold-scale to multiply the rest of the scale into the factors, which rounds them.")
    }

    /// Whether the convention holds exactly this scale.
    func keepsScale(_ scale: AdapterScale) -> Bool {
        switch convention {
        case .ud2m: scale.value == AdapterReader.ud2mAlpha / Double(scale.rank)
        case .kohya: Double(Float(scale.plainAlpha)) / Double(scale.rank) == scale.value
        case .peft, .diffusers: scale.plainAlpha / Double(scale.rank) == scale.value || scale.multiplier == 1
        }
    }

    // MARK: Names and shapes

    /// The tensors of a target.
    /// - Parameters:
    ///   - target: The target; the convention can hold it.
    ///   - targets: All targets of the result.
    ///   - shape: The base's tensor, to which the factors' dimensions are fitted; nil to keep them.
    /// - Returns: What goes into the file.
    /// - Throws: ``UD2MFormats/UD2MError`` for factors that cannot be read.
    func tensors(of target: AdapterTarget, among targets: [AdapterTarget], shapedAs shape: [Int]?) throws
        -> [TensorInput]
    {
        switch target.change {
        case .lowRank(let factors): return try factorTensors(target, factors, targets, shape)
        case .difference(let tensor, _):
            let ending = target.parameter == "weight" ? "diff" : "diff_b"
            return [renamed(tensor, "\(kohyaName(target, targets)).\(ending)")]
        case .replacement(let tensor):
            guard convention == .peft else { return [renamed(tensor, target.tensorName.text)] }
            // A module with factors keeps its own parameters one level deeper.
            let hasFactors = targets.contains { $0.module == target.module && !$0.change.isWhole }
            let module = AdapterNames.peftPrefix + target.module + (hasFactors ? ".base_layer" : "")
            return [renamed(tensor, "\(module).\(target.parameter)")]
        case .hadamard, .kronecker: return []
        }
    }

    private func factorTensors(
        _ target: AdapterTarget, _ factors: LowRankFactors, _ targets: [AdapterTarget], _ shape: [Int]?
    ) throws -> [TensorInput] {
        if factors.layer != .plain {
            // As they are stored, which is how PEFT has them: U is the transpose of its A.
            let isEmbedding = factors.layer == .embedding
            let prefix = AdapterNames.peftPrefix + target.module
            return [
                renamed(factors.up.tensor, prefix + (isEmbedding ? ".lora_embedding_A" : ".lora_A.weight")),
                renamed(factors.down.tensor, prefix + (isEmbedding ? ".lora_embedding_B" : ".lora_B.weight")),
            ]
        }
        let (up, down) = (factors.up.tensor, factors.down.tensor)
        let (rank, rows, columns) = (factors.rank, factors.up.rows, factors.down.columns)
        // As many dimensions as the base's layer has: a kernel of ones for the factor with the outputs.
        let kernel = shape.map { Array($0.dropFirst(2)) }
        let upShape = kernel.map { [rows, rank] + $0.map { _ in 1 } } ?? up.shape
        let downShape = kernel.map { [rank, columns / max($0.reduce(1, *), 1)] + $0 } ?? down.shape
        switch convention {
        case .ud2m:
            let prefix = "\(target.module).parametrizations.weight.0"
            let ratio = factors.scale.value / (AdapterReader.ud2mAlpha / Double(rank))
            return [
                try ratio == 1
                    ? renamed(up, "\(prefix).lora_A", shape: [rows, rank])
                    : scaled(factors.up, by: ratio, "\(prefix).lora_A"),
                renamed(down, "\(prefix).lora_B", shape: [rank, columns]),
            ]
        case .peft, .diffusers:
            let prefix =
                convention == .peft
                ? AdapterNames.peftPrefix + target.module : "\(target.component ?? "unet").\(target.module)"
            var tensors = [
                renamed(down, "\(prefix).lora_A.weight", shape: downShape),
                renamed(up, "\(prefix).lora_B.weight", shape: upShape),
            ]
            if let magnitude = factors.magnitude {
                let lengths = upShape.count > 2 ? [1, rows] + upShape.dropFirst(2) : [rows]
                tensors.append(renamed(magnitude.tensor, "\(prefix).lora_magnitude_vector", shape: lengths))
            }
            return tensors
        case .kohya:
            let prefix = kohyaName(target, targets)
            let alpha = Float(factors.scale.plainAlpha)
            try Self.requireFinite([alpha], "\(prefix).alpha")
            var tensors = [
                renamed(down, "\(prefix).lora_down.weight", shape: downShape),
                renamed(up, "\(prefix).lora_up.weight", shape: upShape),
                TensorInput(name: TensorName("\(prefix).alpha"), shape: [], floats: [alpha]),
            ]
            if let magnitude = factors.magnitude {
                let ones = [Int](repeating: 1, count: max(upShape.count - 1, 1))
                let lengths =
                    magnitude.isOfInputs ? magnitude.tensor.shape : [rows] + ones
                tensors.append(renamed(magnitude.tensor, "\(prefix).dora_scale", shape: lengths))
            }
            return tensors
        }
    }

    /// The module's name with kohya's prefix and without dots.
    private func kohyaName(_ target: AdapterTarget, _ targets: [AdapterTarget]) -> String {
        let hasSecond = targets.contains { $0.component == "text_encoder_2" }
        let prefix =
            switch target.component {
            case "text_encoder": hasSecond ? "lora_te1_" : "lora_te_"
            case "text_encoder_2": "lora_te2_"
            case "text_encoder_3": "lora_te3_"
            case "transformer": "lora_transformer_"
            default: "lora_unet_"
            }
        return prefix + AdapterNames.flattened(target.module)
    }

    private func renamed(_ tensor: TensorSource, _ name: String, shape: [Int]? = nil) -> TensorInput {
        TensorInput(name: TensorName(name), elementType: tensor.elementType, shape: shape ?? tensor.shape) { body in
            try tensor.stream(as: tensor.elementType, body)
        }
    }

    private static func requireFinite(_ values: [Float], _ name: String) throws(UD2MError) {
        guard !values.allSatisfy(\.isFinite) else { return }
        throw UD2MError(
            .adapterNotFinite, "The scale makes numbers that single precision does not hold.", at: .init(tensor: name))
    }

    /// The factor times a number, rounded to single precision.
    private func scaled(_ factor: Factor, by ratio: Double, _ name: String) throws -> TensorInput {
        TensorInput(name: TensorName(name), elementType: .f32, shape: [factor.rows, factor.columns]) { body in
            let values = try factor.values(Double.self).map { Float($0 * ratio) }
            try Self.requireFinite(values, name)
            try values.withUnsafeBytes(body)
        }
    }
}
