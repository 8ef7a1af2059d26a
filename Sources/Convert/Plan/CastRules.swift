import Synchronization
import UD2MFormats

/// Which floating-point tensors become which type: one for all, and exceptions by name.
public struct CastRules: Sendable {
    /// An exception: tensors whose name the pattern is found in.
    public struct Rule: Sendable, Hashable {
        /// A regular expression, searched for anywhere in the name.
        public let pattern: String
        /// The type that such tensors get.
        public let elementType: ElementType
    }

    /// The types that tensors can be converted to.
    public static let elementTypes: [ElementType] = [.f32, .f16, .bf16]

    /// The type of tensors that no rule names, or nil to keep each as it is.
    public let standard: ElementType?
    /// The exceptions; the first that fits counts.
    public let rules: [Rule]

    /// Rules that change nothing.
    public static let none = CastRules(standard: nil)

    private init(standard: ElementType?) {
        self.standard = standard
        self.rules = []
    }

    /// Creates rules.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `cast-rule` for a type that is no target, or a pattern that is too
    ///   long or no regular expression.
    public init(standard: ElementType?, rules: [(pattern: String, elementType: ElementType)]) throws(UD2MError) {
        self.standard = standard
        self.rules = rules.map { Rule(pattern: $0.pattern, elementType: $0.elementType) }
        for type in [standard].compactMap({ $0 }) + rules.map(\.elementType) where !Self.elementTypes.contains(type) {
            throw UD2MError(
                .castRule, "Tensors cannot be converted to \(type.rawValue).", remedy: "Use f32, f16 or bf16.")
        }
        _ = try compiled()
    }

    /// Whether nothing is converted.
    public var isEmpty: Bool { standard == nil && rules.isEmpty }

    /// The type each tensor gets; everything but floating-point tensors keeps its own.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `cast-rule` for a broken pattern, or one that is found in no name: a
    ///   misspelt rule must not pass for one that was followed.
    public func elementTypes(of tensors: [TensorSource]) throws(UD2MError) -> [TensorName: ElementType] {
        let compiled = try compiled()
        var types: [TensorName: ElementType] = [:]
        for tensor in tensors {
            var type = standard ?? tensor.elementType
            if !compiled.isEmpty {
                if let rule = compiled.first(where: { $0.0.isFound(in: tensor.name) }) { type = rule.1 }
            }
            types[tensor.name] = tensor.elementType.isFloatingPoint ? type : tensor.elementType
        }
        for (rule, compiled) in zip(rules, compiled) where !tensors.contains(where: { compiled.0.isFound(in: $0.name) })
        {
            throw UD2MError(
                .castRule, "The rule '\(rule.pattern)' matches none of the \(tensors.count) tensors.",
                remedy: "See their names: ud2m-convert ls.")
        }
        return types
    }

    /// The tensors that keep a type because they are no real floating-point numbers, or no rule names them, by reason.
    /// - Parameters:
    ///   - tensors: The tensors.
    ///   - types: What ``elementTypes(of:)`` gave for them.
    /// - Returns: The reasons that apply, each with its tensors.
    public func kept(of tensors: [TensorSource], types: [TensorName: ElementType]) -> [KeptTensors] {
        guard !isEmpty else { return [] }
        // A rule that gives a tensor the type it has is no reason to speak of it.
        let targets = Set([standard].compactMap(\.self) + rules.map(\.elementType))
        var names: [KeptTensors.Reason: [TensorName]] = [:]
        for tensor in tensors where types[tensor.name] == tensor.elementType {
            guard let reason = KeptTensors.Reason(tensor, targets: targets) else { continue }
            names[reason, default: []].append(tensor.name)
        }
        return KeptTensors.Reason.allCases.compactMap { reason in
            names[reason].map { KeptTensors(reason: reason, names: $0) }
        }
    }

    private func compiled() throws(UD2MError) -> [(NameExpression, ElementType)] {
        var compiled: [(NameExpression, ElementType)] = []
        for rule in rules { compiled.append((try NameExpression(rule.pattern, code: .castRule), rule.elementType)) }
        return compiled
    }
}

/// What conversions could not keep, tensor by tensor; filled while tensors stream.
public final class ConversionLedger: Sendable {
    private let losses = Mutex<[TensorName: ConversionLoss]>([:])
    private let notFiniteCounts = Mutex<[TensorName: Int]>([:])

    /// Creates an empty ledger.
    public init() {}

    /// Tensors that lost something, sorted by name.
    public var entries: [(name: TensorName, loss: ConversionLoss)] {
        losses.withLock { $0 }.filter { $0.value != ConversionLoss() }.sorted { $0.key < $1.key }
            .map { (name: $0.key, loss: $0.value) }
    }

    /// Tensors that hold numbers which are NaN or infinite in the source as well, and how many, sorted by name; counted
    /// by conversions only.
    public var notFinite: [(name: TensorName, count: Int)] {
        let losses = losses.withLock { $0 }
        return notFiniteCounts.withLock { $0 }
            .map { (name: $0.key, count: $0.value - (losses[$0.key]?.overflows ?? 0)) }
            .filter { $0.count > 0 }.sorted { $0.name < $1.name }
    }

    func record(notFinite count: Int, for name: TensorName) {
        notFiniteCounts.withLock { $0[name] = count }
    }

    fileprivate func record(_ loss: ConversionLoss, for name: TensorName) {
        losses.withLock { $0[name] = loss }
    }
}

extension TensorInput {
    /// Creates a tensor from one of a checkpoint, converted while it streams; losses go into a ledger.
    public init(_ source: TensorSource, as elementType: ElementType, ledger: ConversionLedger) {
        self.init(
            name: source.name, elementType: elementType, shape: source.shape, interpretation: source.interpretation
        ) { body in
            try source.checkExpansion()
            ledger.record(try source.stream(as: elementType, body), for: source.name)
        }
        if elementType == source.elementType { recordedDigests = source.recordedDigests }
    }
}

extension UD2MError.Code {
    /// A rule for element types is no regular expression, or names a type that is no target.
    public static let castRule = UD2MError.Code("cast-rule", .usage)
}
