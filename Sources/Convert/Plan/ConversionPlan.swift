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
    public let missing: [ParameterDescription]
    /// Tensors whose shape is wrong.
    public let misshapen: [Misshapen]
    /// Tensors of the state dict that the network does not have.
    public let unmapped: [TensorName]

    /// Recognises the network and matches every tensor by name and shape.
    /// - Parameters:
    ///   - checkpoint: the described file.
    ///   - select: the path of the state dict to take, or nil to choose the one that fits best.
    ///   - options: what no tensor tells.
    /// - Throws: ``UD2MError`` when no network is recognised. Mismatches do not throw here: see ``requireComplete()``.
    public init(checkpoint: Checkpoint, select: String? = nil, options: DetectionOptions = DetectionOptions()) throws {
        let (best, others) = try StateDictSelector(options: options).choose(in: checkpoint, path: select)
        let sources = Dictionary(best.tensors.map { ($0.name, $0) }) { first, _ in first }
        var mapped: [TensorSource] = []
        var missing: [ParameterDescription] = []
        var misshapen: [Misshapen] = []
        for parameter in best.architecture.parameters {
            guard let source = sources[parameter.name] else {
                missing.append(parameter)
                continue
            }
            guard source.shape == parameter.shape else {
                misshapen.append(Misshapen(name: parameter.name, expected: parameter.shape, found: source.shape))
                continue
            }
            guard source.elementType.isFloatingPoint else {
                throw UD2MError(
                    .elementTypeUnusable,
                    "The network needs floating-point numbers here; the file has \(source.elementType.rawValue).",
                    at: .init(file: checkpoint.path, tensor: parameter.name.text))
            }
            mapped.append(source)
        }
        let known = Set(best.architecture.parameters.map(\.name))
        self.checkpoint = checkpoint
        self.choice = best
        self.runnersUp = others
        self.mapped = mapped
        self.missing = missing
        self.misshapen = misshapen
        // Tensors of the same mapping under keys that are no text have no name of their own.
        let unnamed = checkpoint.looseTensors.filter { $0.path.dropLast().elementsEqual(best.stateDict.path) }
        self.unmapped = best.tensors.map(\.name).filter { !known.contains($0) } + unnamed.map(\.name)
    }

    /// Whether every tensor of the network is here and nothing is left over.
    public var isComplete: Bool { missing.isEmpty && misshapen.isEmpty && unmapped.isEmpty }

    /// Throws when the file and the network disagree.
    /// - Parameter allowUnmapped: whether tensors that the network does not have may be left out.
    /// - Throws: `tensors-missing`, `tensors-misshapen` or `tensors-unmapped`, located at the first such tensor.
    public func requireComplete(allowUnmapped: Bool = false) throws(UD2MError) {
        if let first = missing.first {
            if let skipped = checkpoint.skipped.first(where: { $0.path.last == first.name.text }) {
                throw UD2MError(
                    .tensorsMissing, "The tensor is in the file but cannot be used: \(skipped.reason)",
                    at: .init(file: checkpoint.path, tensor: first.name.text))
            }
            throw UD2MError(
                .tensorsMissing,
                "The network needs \(choice.architecture.parameters.count) tensors and \(missing.count) of them "
                    + "are missing: \(Self.list(missing.map(\.name))).",
                at: .init(file: checkpoint.path, tensor: first.name.text),
                remedy: "Is the download complete, and is this the whole network?")
        }
        if let first = misshapen.first {
            throw UD2MError(
                .tensorsMisshapen,
                "\(misshapen.count) tensors have the wrong shape; here \(first.found) instead of \(first.expected).",
                at: .init(file: checkpoint.path, tensor: first.name.text))
        }
        if !allowUnmapped, let first = unmapped.first {
            throw UD2MError(
                .tensorsUnmapped,
                "\(unmapped.count) tensors are not part of the network: \(Self.list(unmapped)).",
                at: .init(file: checkpoint.path, tensor: first.text),
                remedy: "Pass --allow-unmapped to leave them out.")
        }
    }

    /// The first five names.
    private static func list(_ names: [TensorName]) -> String {
        let shown = names.prefix(5).map(\.description).joined(separator: ", ")
        return names.count > 5 ? "\(shown) and \(names.count - 5) more" : shown
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
