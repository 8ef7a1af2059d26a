import UD2MFormats
import UD2MLinearAlgebra

/// An adapter rewritten in another convention: the same numbers under other names and in other shapes.
///
/// Scales go into alphas, never into the factors unless that is asked for. What a convention cannot hold is refused, or
/// left out and listed where only factors are asked for.
public struct AdapterConversion: Sendable {
    /// How to rewrite.
    public struct Options: Sendable {
        /// The convention of the result.
        public var convention: AdapterConvention
        /// Whether a scale that the convention fixes may be multiplied into the factors, which rounds them.
        public var foldsScale = false
        /// Whether changes that the convention cannot hold are left out.
        public var dropsOthers = false
        /// The ranks of plain factors for changes that the convention cannot hold otherwise: LoHa, LoKr, DoRA and Tucker
        /// cores; nil to refuse them.
        public var approximation: RankChoice?
        /// Whether an adapter whose factors were taken out of the network (PiSSA and its kin) may be written where nothing
        /// can say so.
        public var isForChangedBase = false

        /// Creates the defaults.
        public init(convention: AdapterConvention) {
            self.convention = convention
        }
    }

    /// The tensors of the result.
    public private(set) var tensors: [TensorInput] = []
    /// The text pairs of its file.
    public private(set) var metadata: [String: String] = [:]
    /// PEFT's `adapter_config.json`; nil for other conventions.
    public private(set) var configuration: JSONValue?
    /// The targets that are in the result, under their full names.
    public private(set) var targets: [AdapterTarget] = []
    /// Targets that were left out, with the reasons.
    public private(set) var leftOut: [(target: AdapterTarget, reason: String)] = []
    /// What plain factors miss of the changes that were approximated by them.
    public private(set) var approximated: [LayerError] = []
    /// What a person should know, as sentences.
    public private(set) var notes: [String] = []

    /// Plans a conversion; factors are read when the result is written.
    /// - Parameters:
    ///   - adapter: The adapter.
    ///   - options: How.
    ///   - base: The network it belongs to, which tells where dots were in flattened names, which layers are
    ///     convolutions, and what whole tensors differ by; nil when it is not at hand.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-not-expressible`, `adapter-name-ambiguous`,
    ///   `adapter-base-mismatch`, `rank-choice` or a `matrix-…` code.
    public init(_ adapter: Adapter, options: Options, base: AdapterBase? = nil) throws {
        let writer = AdapterWriter(options: options)
        if let changed = adapter.changedBase, !changed.isHeld(by: options.convention), !options.isForChangedBase {
            throw UD2MError(
                .adapterNotExpressible,
                "The result could not say that its factors were taken out of the network (\(changed.initialisation)); it "
                    + "would be right only beside the network that was left.",
                at: .init(file: adapter.path),
                remedy: "Have PEFT save it as plain LoRA (path_initial_model_for_weight_conversion), or pass "
                    + "--for-changed-base where it is used with that network.")
        }
        if options.approximation != nil { BLASThreads.set(1) }
        var shapes: [[Int]?] = []
        for target in adapter.targets {
            let tensor = try base.map { try Self.tensor(of: target, in: $0) }
            var target = target
            if target.isFlattened { try Self.unflatten(&target, by: tensor, options.convention) }
            target = try target.wholeTensorHeld(by: options.convention, base: tensor)
            if let choice = options.approximation, target.isApproximable, writer.refusal(of: target) != nil {
                let result = try target.approximated(to: choice, for: options.convention, base: tensor)
                approximated.append(result.layer)
                guard let approximation = result.target else { continue }
                target = approximation
            }
            if let refusal = writer.refusal(of: target) {
                guard options.dropsOthers else {
                    throw UD2MError(
                        .adapterNotExpressible, "\(options.convention.rawValue) cannot hold this: \(refusal.reason)",
                        at: .init(file: adapter.path, tensor: target.tensorName.text),
                        remedy: refusal.remedy)
                }
                leftOut.append((target, refusal.reason))
                continue
            }
            targets.append(target)
            shapes.append(tensor?.shape)
        }
        guard !targets.isEmpty else {
            throw UD2MError(
                .adapterNotExpressible, "Nothing of the adapter can be held by \(options.convention.rawValue).",
                at: .init(file: adapter.path))
        }
        for (target, shape) in zip(targets, shapes) {
            tensors += try writer.tensors(of: target, among: targets, shapedAs: shape)
        }
        if options.convention == .peft, let base {
            tensors += try Self.unchanged(besides: targets, in: base).flatMap {
                try writer.tensors(of: $0, among: targets, shapedAs: nil)
            }
        }
        try Self.requireDistinct(tensors)
        if options.convention == .peft { try PEFTWriter(targets).requireUniform(file: adapter.path) }
        configuration =
            options.convention == .peft ? PEFTWriter(targets, changedBase: adapter.changedBase).configuration : nil
        metadata["format"] = "pt"
        if options.convention == .diffusers { metadata[AdapterScales.diffusersKey] = try PEFTWriter.diffusers(targets) }
        if !targets.contains(where: \.isFlattened) {
            let result = Adapter(path: adapter.path, convention: options.convention, targets: targets)
            metadata[AdapterManifest.key] = try AdapterManifest(result).json.canonicalText()
        }
        let rounded = targets.count { $0.change.lowRank.map { !writer.keepsScale($0.scale) } ?? false }
        if rounded > 0 { notes.append("The scales of \(rounded) modules are rounded in their last place.") }
    }

    /// The tensor of the base that a target changes.
    private static func tensor(of target: AdapterTarget, in base: AdapterBase) throws(UD2MError) -> TensorSource {
        let tensor = try base.tensor(of: target)
        let mismatch = tensor.flatMap { target.mismatch(with: $0) }
        guard let tensor, mismatch == nil else {
            throw UD2MError(
                .adapterBaseMismatch,
                mismatch.map { "The base's tensor does not fit: \($0)." } ?? "The base has no such tensor.",
                at: .init(file: base.path, tensor: target.tensorName.text),
                remedy: "Name the base that the adapter was trained on, or leave out --base.")
        }
        return tensor
    }

    /// The tensors of modules that are saved whole which the adapter does not change: PEFT loads such modules only complete.
    private static func unchanged(
        besides targets: [AdapterTarget], in base: AdapterBase
    ) throws(UD2MError) -> [AdapterTarget] {
        var result: [AdapterTarget] = []
        for module in PEFTWriter(targets).wholeModules {
            let changed = targets.filter { $0.module == module }
            guard let first = changed.first, let tensor = try base.tensor(of: first) else { continue }
            let prefix = tensor.name.text.dropLast(first.parameter.count)
            for other in base.tensors where other.name.text.hasPrefix(prefix) {
                let parameter = String(other.name.text.dropFirst(prefix.count))
                guard !parameter.contains("."), !changed.contains(where: { $0.parameter == parameter }) else {
                    continue
                }
                result.append(AdapterTarget(module: module, parameter: parameter, change: .replacement(other)))
            }
        }
        return result
    }

    /// Finds the dots of a name; kohya's own files do without.
    private static func unflatten(
        _ target: inout AdapterTarget, by tensor: TensorSource?, _ convention: AdapterConvention
    ) throws(UD2MError) {
        guard let tensor else {
            guard convention == .kohya else {
                throw UD2MError(
                    .adapterNameAmbiguous, "The file's names have lost their dots, which other conventions need.",
                    at: .init(tensor: target.module),
                    remedy: "Pass --base with the network that the adapter belongs to.")
            }
            return
        }
        let name = tensor.name.text
        target.module = String(name.dropLast(target.parameter.count + 1))
        target.isFlattened = false
    }

    private static func requireDistinct(_ tensors: [TensorInput]) throws(UD2MError) {
        var names: Set<TensorName> = []
        for tensor in tensors where !names.insert(tensor.name).inserted {
            throw UD2MError(
                .adapterNameAmbiguous, "Two modules have the same name in this convention.",
                at: .init(tensor: tensor.name.text), remedy: "Choose a convention that keeps the dots of names.")
        }
    }
}

extension AdapterChange {
    /// The factors of a plain or DoRA change; nil for other kinds.
    var lowRank: LowRankFactors? { if case .lowRank(let factors) = self { factors } else { nil } }
}
