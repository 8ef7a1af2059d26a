import UD2MFormats

extension AdapterReader {
    /// What a module's tensors say about its scale.
    private struct StatedScale {
        let name: AdapterNames.Module
        let alpha: Double?
        let multiplier: Double
    }

    /// Reads the tensors of one module.
    mutating func read(_ spelling: String, _ group: Group) throws {
        let name = names.module(spelling)
        let before = targets.count
        var group = group
        let stated = StatedScale(
            name: name, alpha: try group.removeValue(forKey: .alpha)?.number(),
            multiplier: try group.removeValue(forKey: .scalar)?.number() ?? 1)
        let original = group.removeValue(forKey: .original("weight"))
        if let bias = group.removeValue(forKey: .original("bias")) {
            // PEFT saves the biases that it trained under this name; a dump of everything has the weight as well.
            if names.convention == .peft, scales.trainsBiases || original == nil {
                add(name, parameter: "bias", .replacement(bias))
            } else {
                leaveAside(bias, "A value of the base itself.")
            }
        }
        for parameter in ["weight", "bias"] {
            guard let tensor = group.removeValue(forKey: .difference(parameter)) else { continue }
            guard tensor.elementType.isFloatingPoint else {
                throw UD2MError(.adapterShape, "Differences must be numbers.", at: .init(tensor: tensor.name.text))
            }
            add(name, parameter: parameter, .difference(tensor, scale: 1))
        }
        if let (up, down) = try pair(.up, .down, in: &group) {
            try readLowRank(stated, up, down, &group, original: original)
        } else if let (up, down) = try pair(.embeddingUp, .embeddingDown, in: &group) {
            try requireNone(.magnitude, in: group, "DoRA of an embedding")
            let factors = try LowRankFactors(
                up: Factor(down, transposed: true), down: Factor(up, transposed: true),
                scale: scale(stated, rank: down.shape.first ?? 0, down), layer: .embedding)
            try requireSameRank(factors.up.columns, factors.down.rows, down)
            add(name, .lowRank(factors), original: original)
        } else if let change = try hadamard(stated, &group) {
            add(name, change, original: original)
        } else if let change = try kronecker(stated, &group) {
            add(name, change, original: original)
        } else if let original {
            leaveAside(original, "A value of the base itself.")
        }
        if let (role, tensor) = group.sorted(by: { $0.value.name < $1.value.name }).first {
            throw UD2MError(
                role == .magnitude ? .adapterKind : .adapterIncomplete,
                "The tensor stands alone: what it belongs to is missing from \(spelling), or of another kind.",
                at: .init(tensor: tensor.name.text))
        }
        if targets.count == before, stated.alpha != nil {
            throw UD2MError(.adapterIncomplete, "There is an alpha and no factor.", at: .init(tensor: spelling))
        }
    }

    /// Reads LoRA's factors, in Tucker form too, with DoRA's lengths and PEFT's bias.
    private mutating func readLowRank(
        _ stated: StatedScale, _ up: TensorSource, _ down: TensorSource, _ group: inout Group, original: TensorSource?
    ) throws {
        let name = stated.name
        // PEFT's convolutions take no notice of the option.
        let isTransposed = scales.isTransposed && up.shape.count == 2 && down.shape.count == 2
        let core = group.removeValue(forKey: .mid)
        let inner = try core.map { try Factor(core: $0, down) } ?? Factor(down)
        let outer = try Factor(up)
        try requireSameRank(outer.columns, inner.rows, down)
        let scale = try scale(stated, rank: inner.rows, down)
        var factors = LowRankFactors(up: outer, down: inner, scale: scale)
        if isTransposed {
            try requireNone(.magnitude, in: group, "DoRA of a transposed layer")
            guard core == nil else {
                throw UD2MError(.adapterKind, "A Tucker core of a transposed layer.", at: .init(tensor: down.name.text))
            }
            factors = try LowRankFactors(
                up: Factor(down, transposed: true), down: Factor(up, transposed: true), scale: scale,
                layer: .inputsFirst)
        }
        factors.magnitude = Self.magnitude(in: &group)
        add(name, .lowRank(factors), original: original)
        if let bias = group.removeValue(forKey: .upBias) {
            add(name, parameter: "bias", .difference(bias, scale: scale.value))
        }
    }

    /// Takes the lengths of DoRA.
    private static func magnitude(in group: inout Group) -> LowRankFactors.Magnitude? {
        guard let lengths = group.removeValue(forKey: .magnitude) else { return nil }
        // PEFT's are of the outputs whatever their shape; in `dora_scale` the shape tells (LyCORIS issue 216).
        let isOfInputs =
            !lengths.name.text.contains("lora_magnitude_vector") && lengths.shape.count > 1 && lengths.shape[0] == 1
            && lengths.elementCount > 1
        return .init(tensor: lengths, isOfInputs: isOfInputs)
    }

    /// Reads a Hadamard product of two pairs of factors.
    private mutating func hadamard(_ stated: StatedScale, _ group: inout Group) throws -> AdapterChange? {
        var sides: [LowRankFactors] = []
        for side in 1...2 {
            guard let (up, down) = try pair(.hadamardUp(side), .hadamardDown(side), in: &group) else {
                guard let first = sides.first else { continue }
                throw Self.missing("The other side of the product", first.down.tensor)
            }
            let core = group.removeValue(forKey: .hadamardCore(side))
            let inner = try core.map { try Factor(core: $0, down) } ?? Factor(down)
            let outer = try Factor(up, transposed: core != nil)
            try requireSameRank(outer.columns, inner.rows, down)
            sides.append(LowRankFactors(up: outer, down: inner, scale: try scale(stated, rank: inner.rows, down)))
        }
        guard var first = sides.first else { return nil }
        guard sides.count == 2 else { throw Self.missing("The other side of the product", first.down.tensor) }
        guard first.up.rows == sides[1].up.rows, first.down.columns == sides[1].down.columns else {
            throw UD2MError(
                .adapterShape, "The two sides of the product have different sizes.",
                at: .init(tensor: first.down.tensor.name.text))
        }
        first.magnitude = Self.magnitude(in: &group)
        return .hadamard(first, sides[1])
    }

    /// Reads a Kronecker product; each side is whole or a pair of factors.
    private mutating func kronecker(_ stated: StatedScale, _ group: inout Group) throws -> AdapterChange? {
        var sides: [KroneckerFactors.Side] = []
        for side in 1...2 {
            if let whole = group.removeValue(forKey: .kroneckerWhole(side)) {
                sides.append(.whole(try Factor(whole)))
            } else if let (up, down) = try pair(.kroneckerUp(side), .kroneckerDown(side), in: &group) {
                let core = group.removeValue(forKey: .kroneckerCore(side))
                let inner = try core.map { try Factor(core: $0, down) } ?? Factor(down)
                let outer = try Factor(up, transposed: core != nil)
                try requireSameRank(outer.columns, inner.rows, down)
                sides.append(.product(up: outer, down: inner))
            } else if let first = sides.first?.tensors.first {
                throw Self.missing("The other side of the product", first)
            }
        }
        guard let first = sides.first else { return nil }
        guard sides.count == 2 else { throw Self.missing("The other side of the product", first.tensors[0]) }
        var factors = KroneckerFactors(left: sides[0], right: sides[1], scale: stated.multiplier)
        // Two whole sides have no rank to divide by: LyCORIS writes an alpha that means nothing then.
        if let rank = factors.rank {
            factors.scale *= try scales.scale(stated.name, rank: rank, alpha: stated.alpha, tensor: first.tensors[0])
                .value
        } else if let scale = try scales.configured(stated.name, tensor: first.tensors[0]) {
            factors.scale *= scale.value
        }
        factors.magnitude = Self.magnitude(in: &group)
        if names.convention == .peft, case .whole(let right) = sides[1], right.tensor.shape.count == 3 {
            factors.unalignedKernel = right.tensor.shape[2]
        }
        return .kronecker(factors)
    }

    private mutating func scale(_ stated: StatedScale, rank: Int, _ tensor: TensorSource) throws -> AdapterScale {
        var scale = try scales.scale(stated.name, rank: rank, alpha: stated.alpha, tensor: tensor)
        scale.multiplier = stated.multiplier
        return scale
    }

    // MARK: Checks

    /// Takes two tensors that need each other; nil when neither is there.
    private func pair(
        _ first: AdapterRole, _ second: AdapterRole, in group: inout Group
    ) throws(UD2MError) -> (TensorSource, TensorSource)? {
        switch (group.removeValue(forKey: first), group.removeValue(forKey: second)) {
        case (let first?, let second?): return (first, second)
        case (let lone?, nil), (nil, let lone?): throw Self.missing("The other factor", lone)
        case (nil, nil): return nil
        }
    }

    private static func missing(_ what: String, _ tensor: TensorSource) -> UD2MError {
        UD2MError(
            .adapterIncomplete, "\(what) is missing.", at: .init(tensor: tensor.name.text),
            remedy: "The file is incomplete: fetch or save it again.")
    }

    private func requireSameRank(_ up: Int, _ down: Int, _ tensor: TensorSource) throws(UD2MError) {
        guard up == down else {
            throw UD2MError(
                .adapterShape, "The factors have ranks \(up) and \(down), which do not multiply.",
                at: .init(tensor: tensor.name.text))
        }
    }

    private func requireNone(_ role: AdapterRole, in group: Group, _ kind: String) throws(UD2MError) {
        guard let tensor = group[role] else { return }
        throw UD2MError.refusedAdapter(kind, tensor, file.checkpoint.path)
    }
}
