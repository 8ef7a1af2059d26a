import UD2MFormats

/// What a conversion will do, known before a byte of tensor data moves.
public struct ConversionPlan: Sendable {
    /// A tensor the network needs whose shape in the file is another.
    public struct Misshapen: Sendable, Hashable {
        /// The tensor.
        public let name: TensorName
        /// The shape the network needs.
        public let expected: [Int]
        /// The shape in the file.
        public let found: [Int]
    }

    /// The checkpoint.
    public let checkpoint: Checkpoint
    /// The state dict that is converted.
    public let choice: StateDictChoice
    /// State dicts that would fit as well, best first.
    public let runnersUp: [StateDictChoice]
    /// Tensors that go into the store, in the network's order.
    public let mapped: [TensorSource]
    /// Tensors the network needs and the file lacks.
    public let missing: [TensorLayout.FileTensor]
    /// Tensors whose shape is wrong.
    public let misshapen: [Misshapen]
    /// Tensors of the state dict that the network does not have.
    public let unmapped: [TensorName]
    /// Tensors that the checkpoint's layout has and the network does not use, with the reasons.
    public let leftOut: [TensorLayout.LeftOut]
    /// Every disagreement between file and network: misshapen tensors, then missing, then unknown ones.
    public let mismatches: [TensorMismatch]

    /// Recognises the network and matches every tensor by name and shape.
    /// - Parameters:
    ///   - checkpoint: the described file.
    ///   - select: the path of the state dict to take, or nil to choose the one that fits best.
    ///   - options: what no tensor tells.
    /// - Throws: ``UD2MError`` when no network is recognised, or options contradict its numbers. Mismatches do not throw here: see ``requireComplete()``.
    public init(checkpoint: Checkpoint, select: String? = nil, options: DetectionOptions = DetectionOptions()) throws {
        var (best, others) = try StateDictSelector(options: options).choose(in: checkpoint, path: select)
        let match = TensorMatch(best.architecture, tensors: best.tensors)
        for source in match.mapped where !source.elementType.isFloatingPoint {
            throw UD2MError(
                .elementTypeUnusable,
                "The network needs floating-point numbers here; the file has \(source.elementType.rawValue).",
                at: .init(file: checkpoint.path, tensor: source.name.text))
        }
        if let layer = match.mapped.first(where: { $0.name == PublishedLinearLayers.name }) {
            try best.architecture.settleVersion(first: layer, given: options.lpipsVersion)
        }
        self.checkpoint = checkpoint
        self.choice = best
        self.runnersUp = others
        self.mapped = match.mapped
        self.missing = match.missing
        self.misshapen = match.misshapen
        // Tensors of the same mapping under keys that are no text have no name of their own.
        let unnamed = checkpoint.looseTensors.filter { $0.path.dropLast().elementsEqual(best.stateDict.path) }
        self.unmapped = match.unmapped.map(\.name) + unnamed.map(\.name)
        self.leftOut = best.architecture.layout.leftOut.compactMap { item in
            let here = Set(best.tensors.map(\.name)).intersection(item.names)
            return here.isEmpty ? nil : .init(item.names.filter(here.contains), reason: item.reason)
        }
        self.mismatches =
            match.mismatches + unnamed.map { TensorMismatch(name: $0.name.text, expected: nil, found: $0.shape) }
    }

    /// Whether every tensor of the network is here and nothing is left over.
    public var isComplete: Bool { missing.isEmpty && misshapen.isEmpty && unmapped.isEmpty }

    /// Throws when the file and the network disagree.
    /// - Parameters:
    ///   - allowUnmapped: whether tensors that the network does not have may be left out.
    ///   - partial: whether tensors of the network may be missing or have another shape, as long as some are there.
    ///   - absence: which tensors may be missing, as long as some are there.
    /// - Throws: `tensors-missing`, `tensors-misshapen` or `tensors-unmapped`, located at the first such tensor; when all
    ///   are there, what is undecided about the network, and what ``requireConstants()`` throws.
    public func requireComplete(
        allowUnmapped: Bool = false, partial: Bool = false, absence: AllowedAbsence = .none
    ) throws {
        let partial = partial && !mapped.isEmpty
        let allowed = Set(allowedMissing(absence))
        let missing = missing.filter { !allowed.contains($0.name) }
        if !partial, let first = missing.first,
            let skipped = checkpoint.skipped.first(where: { $0.path.last == first.name.text })
        {
            throw UD2MError(
                .tensorsMissing, "The tensor is in the file but cannot be used: \(skipped.reason)",
                at: .init(file: checkpoint.path, tensor: first.name.text))
        }
        let needed = choice.architecture.parameters.count
        var error: UD2MError?
        if !partial, let first = missing.first {
            error = UD2MError(
                .tensorsMissing, "The network needs \(needed) tensors and \(missing.count) of them are missing.",
                at: .init(file: checkpoint.path, tensor: first.name.text),
                remedy: "Is the download complete, and is this the whole network? --partial converts what is there, "
                    + "--allow-missing REGEX lets tensors of such names be missing.")
        } else if !partial, let first = misshapen.first {
            error = UD2MError(
                .tensorsMisshapen, "\(misshapen.count) of the network's \(needed) tensors have the wrong shape.",
                at: .init(file: checkpoint.path, tensor: first.name.text),
                remedy: "Pass --partial to convert the others.")
        } else if !allowUnmapped, let first = unmapped.first {
            error = UD2MError(
                .tensorsUnmapped, "\(unmapped.count) tensors are not part of the network.",
                at: .init(file: checkpoint.path, tensor: first.text),
                remedy: "Pass --allow-unmapped to leave them out.")
        }
        if let error { throw error.describing(mismatches, closest: closest) }
        if let undecided = choice.architecture.undecided { throw undecided }
        try requireConstants()
    }

    /// The missing tensors that may be, under the checkpoint's names; none where no tensor of the network is there.
    public func allowedMissing(_ absence: AllowedAbsence) -> [TensorName] {
        mapped.isEmpty ? [] : absence.allowed(among: missing.map(\.name))
    }

    /// The published model that the state dict comes closest to.
    public var closest: ClosestNetwork? {
        ClosestModel(Dictionary(choice.tensors.map { ($0.name, $0.shape) }) { first, _ in first })?.network
    }
}

extension UD2MError.Code {
    /// Tensors that the network needs are not in the file.
    public static let tensorsMissing = UD2MError.Code("tensors-missing", .badData)
    /// Tensors have another shape than the network needs.
    public static let tensorsMisshapen = UD2MError.Code("tensors-misshapen", .badData)
    /// The file has tensors that the network does not.
    public static let tensorsUnmapped = UD2MError.Code("tensors-unmapped", .badData)
    /// A weight is not a floating-point tensor.
    public static let elementTypeUnusable = UD2MError.Code("element-type-unusable", .badData)
}
