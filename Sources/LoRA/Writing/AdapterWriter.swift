import UD2MFormats

/// Spells the targets of an adapter in a convention.
struct AdapterWriter {
    let options: AdapterConversion.Options

    private var convention: AdapterConvention { options.convention }

    // MARK: What a convention can hold

    /// Why the convention cannot hold a target, as a sentence; nil when it can.
    func refusal(of target: AdapterTarget) -> String? {
        switch target.change {
        case .lowRank(let factors): refusal(of: factors, parameter: target.parameter)
        case .hadamard, .kronecker: "A product of kind \(target.change.kind) is no product of two factors."
        case .difference(_, let scale):
            convention == .kohya && scale == 1 ? nil : "A whole tensor of differences."
        case .replacement: convention == .ud2m || convention == .peft ? nil : "A whole tensor in place of the base's."
        }
    }

    private func refusal(of factors: LowRankFactors, parameter: String) -> String? {
        guard parameter == "weight" else { return "Factors of something else than a weight." }
        // Transposed factors belong to layers that are stored inputs first, which only a base can tell.
        guard !factors.up.isTransposed, !factors.down.isTransposed else {
            return "Factors of an embedding or a transposed layer."
        }
        guard factors.down.core == nil else { return "Factors with a Tucker core." }
        if let magnitude = factors.magnitude {
            guard convention == .kohya || (convention == .peft && !magnitude.isOfInputs) else {
                return "DoRA\(magnitude.isOfInputs ? " with lengths of inputs" : "")."
            }
        }
        guard convention == .ud2m else { return nil }
        guard factors.down.tensor.shape.dropFirst(2).allSatisfy({ $0 == 1 }) else {
            return "A convolution with a kernel larger than 1."
        }
        return options.foldsScale || keepsScale(factors.scale)
            ? nil : "A scale of \(factors.scale.value); it is always \(AdapterReader.ud2mAlpha) divided by the rank."
    }

    /// What to do about a refusal.
    func remedy(for target: AdapterTarget) -> String {
        switch target.change {
        case .lowRank(let factors) where convention == .ud2m && factors.magnitude == nil:
            "Pass --fold-scale to multiply the rest of the scale into the factors, which rounds them."
        case .replacement where convention == .kohya, .difference where convention != .diffusers:
            "Pass --base with the network, from which such changes can be computed, or --drop-others to leave them out."
        case _ where target.isApproximable:
            "Pass --rank, --energy or --error for factors near it, whose error is then stated; DoRA needs --base too."
        default: "Pass --drop-others to leave such changes out, which are then listed."
        }
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

    /// The factor times a number, rounded to single precision.
    private func scaled(_ factor: Factor, by ratio: Double, _ name: String) throws -> TensorInput {
        TensorInput(name: TensorName(name), elementType: .f32, shape: [factor.rows, factor.columns]) { body in
            let values = try factor.values(Double.self).map { Float($0 * ratio) }
            try values.withUnsafeBytes(body)
        }
    }
}
