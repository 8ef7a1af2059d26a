import UD2MFormats

/// How an adapter's file spells its tensors (`formats.md` §13).
public enum AdapterConvention: String, Sendable, Hashable, CaseIterable {
    /// PyTorch's parametrisation as UD2M trains it: scale 1.5/r, whole tensors of the final layer beside the factors.
    case ud2m
    /// A PEFT folder: `adapter_config.json` beside the tensors.
    case peft
    /// diffusers: components such as `unet.` in front, PEFT's or the older names behind.
    case diffusers
    /// kohya and LyCORIS: module names with underscores, `lora_down`, `lora_up` and `alpha`.
    case kohya
}

/// What changes a network for a task: small factors for some of its tensors, and whole tensors for others.
public struct Adapter: Sendable {
    /// The path as the caller gave it.
    public var path: String
    /// How the file spells it.
    public var convention: AdapterConvention
    /// The tensors that are changed, sorted by component and name.
    public var targets: [AdapterTarget]
    /// Tensors of the file that belong to no target, with the reason; nothing is dropped in silence.
    public var leftAside: [LeftAside]
    /// What a person should know before using the adapter, as sentences.
    public var notes: [String]
    /// The base that the file names, such as a model's name on a hub; nil when it names none.
    public var baseName: String?
    /// The initialisation of the factors that changed the network as well, which the adapter then belongs to; nil for
    /// most.
    public var changedBase: ChangedBase?
    /// The content id of the network it belongs to, as a bundle names it; nil for other files.
    public var baseContentID: String?

    /// Tensors that are no part of the adapter.
    public struct LeftAside: Sendable, Hashable {
        /// Their names.
        public var names: [TensorName]
        /// Why, as a sentence.
        public var reason: String
    }

    /// Creates an adapter.
    public init(
        path: String, convention: AdapterConvention, targets: [AdapterTarget], leftAside: [LeftAside] = [],
        notes: [String] = [], baseName: String? = nil, changedBase: ChangedBase? = nil
    ) {
        self.path = path
        self.convention = convention
        self.targets = targets.sorted { ($0.component ?? "", $0.tensorName) < ($1.component ?? "", $1.tensorName) }
        self.leftAside = leftAside
        self.notes = notes
        self.baseName = baseName
        self.changedBase = changedBase
    }

    /// Numbers in the factors of all low-rank changes, as publications count an adapter's parameters.
    public var factorParameterCount: Int {
        targets.reduce(0) { $0 + ($1.change.isWhole ? 0 : $1.change.parameterCount) }
    }

    /// Numbers in tensors that are replaced or changed as a whole.
    public var wholeParameterCount: Int {
        targets.reduce(0) { $0 + ($1.change.isWhole ? $1.change.parameterCount : 0) }
    }

    /// The ranks of the factors, ascending, each once.
    public var ranks: [Int] { Set(targets.compactMap(\.change.rank)).sorted() }

    /// Every tensor of the file that the adapter reads.
    public var tensors: [TensorSource] { targets.flatMap(\.change.tensors) }
}

/// One tensor of the base and how it changes.
public struct AdapterTarget: Sendable {
    /// The part of a pipeline that the module is in, such as `"unet"`; nil when the file does not say.
    public var component: String?
    /// The module, such as `"middle_block.1.qkv"`; with underscores for dots when ``isFlattened``.
    public var module: String
    /// Whether the file has the name without its dots, so that only the base's names tell where they were.
    public var isFlattened: Bool
    /// The parameter of the module, such as `"weight"`.
    public var parameter: String
    /// What happens to it.
    public var change: AdapterChange
    /// The base's own values where the file has them too, which must be those of the base it is applied to.
    public var original: TensorSource?

    /// Creates a target.
    public init(
        component: String? = nil, module: String, isFlattened: Bool = false, parameter: String = "weight",
        change: AdapterChange, original: TensorSource? = nil
    ) {
        self.component = component
        self.module = module
        self.isFlattened = isFlattened
        self.parameter = parameter
        self.change = change
        self.original = original
    }

    /// The tensor's name as the adapter spells it, without its component.
    public var tensorName: TensorName { TensorName(module.isEmpty ? parameter : "\(module).\(parameter)") }
}
