import UD2MFormats

/// Writes the state dict of a checkpoint in another format, bit for bit or with other element types.
public struct Exporter: Sendable {
    /// The formats that can be written.
    public enum Format: String, Sendable, CaseIterable {
        /// One safetensors file.
        case safetensors
        /// Several safetensors files and an index.
        case sharded
        /// A `.pt` file for `torch.load(weights_only=True)`.
        case pt
        /// A NumPy archive.
        case npz
        /// A weight store.
        case ud2w
    }

    /// How to write.
    public struct Options: Sendable {
        /// The format.
        public var format: Format
        /// Which tensors are written as another type.
        public var cast = CastRules.none
        /// Whether tied tensors are written once for each name even where the format could share them.
        public var separatesAliases = false
        /// Whether quantised tensors are written as the numbers they stand for, F32 unless `cast` says otherwise.
        public var dequantises = false
        /// Whether sparse tensors are written whole.
        public var densifies = false
        /// Bytes of tensors in one shard at most; a larger tensor has a shard to itself.
        public var shardBytes = 5_000_000_000
        /// What was done to the tensors before they came here, to be recorded after the source's own record.
        public var lineage: [JSONValue] = []
        /// Paths of further files that tensors come from, which must not be replaced.
        public var otherInputs: [String] = []

        /// Creates the defaults.
        public init(format: Format) {
            self.format = format
        }
    }

    /// The checkpoint.
    public let checkpoint: Checkpoint
    /// The state dict that is written.
    public let selection: StateDictSelection
    /// How.
    public let options: Options
    /// The names that will be written, in order, aliases included.
    let order: [TensorName]
    /// The tensors as they will be written, in the order of the state dict, aliases left out.
    public let tensors: [TensorInput]
    /// Names that share another tensor's data in the file.
    public let aliases: [TensorName: TensorName]
    /// Tensors whose types stay although others are changed.
    public let kept: [KeptTensors]
    /// What conversions could not keep; complete after writing.
    public let ledger = ConversionLedger()

    /// Plans an export; nothing is read or written.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `cast-rule`, or for tensors that cannot be written as numbers or
    ///   whole, `tensor-not-dequantisable`, `tensor-expansion` or a `torch-tensor-…` code.
    public init(checkpoint: Checkpoint, selection: StateDictSelection, options: Options) throws {
        var sources = selection.tensors
        try sources.checkExpansion(file: checkpoint.path)
        if options.dequantises { sources = try sources.dequantised() }
        if options.densifies { sources = try sources.densified() }
        let types = try options.cast.elementTypes(of: sources)
        let canAlias = !options.separatesAliases && [.pt, .ud2w].contains(options.format)
        let aliases =
            canAlias ? TensorAliases.among(sources) { types[$0.name] ?? $0.elementType } : [:]
        let ledger = ledger
        self.checkpoint = checkpoint
        self.selection = selection
        self.options = options
        self.aliases = aliases
        self.kept = options.cast.kept(of: sources, types: types)
        self.order = sources.map(\.name)
        let restored = options.format == .pt ? Set(sources.restorableSparseTensors) : []
        self.sparseParts = sources.sparseTensors.filter { !restored.contains($0) }
        self.tensors = sources.filter { aliases[$0.name] == nil }.map {
            TensorInput($0, as: types[$0.name] ?? $0.elementType, ledger: ledger)
        }
    }

    /// The sparse tensors of which the format holds the parts only: all but those that a `.pt` file holds as they are.
    public let sparseParts: [SparseTensor]

    /// A tensor that a plain safetensors file holds as another type, since it lacks the tensor's own.
    public struct Retyped: Sendable, Hashable {
        /// The tensor.
        public let name: TensorName
        /// Its type, as PyTorch calls it, such as `"complex32"`.
        public let type: String
        /// The type and shape that readers see who do not know `ud2w.quant`.
        public let elementType: ElementType
        /// See ``elementType``.
        public let shape: [Int]
    }

    /// The tensors that other readers of the files will see as another type; none where the format has every type, and
    /// none in a store, whose readers know.
    public var retyped: [Retyped] {
        guard [.safetensors, .sharded].contains(options.format) else { return [] }
        return tensors.compactMap { tensor in
            let stored = tensor.asStorable
            return stored.interpretation.torchType.map {
                Retyped(name: tensor.name, type: $0, elementType: stored.elementType, shape: stored.shape)
            }
        }
    }

    /// The text pairs of a plain safetensors file: the source's own, without what only a store may say.
    var metadata: [String: String] {
        get throws {
            var pairs = checkpoint.metadata.filter { !StoreMetadata.Key.computed.contains($0.key) }
            pairs["format"] = "pt"
            guard !options.lineage.isEmpty else { return pairs }
            let before = try StoreMetadata(pairs: pairs, at: .init(file: checkpoint.path)).lineage
            pairs[StoreMetadata.Key.lineage] = try JSONValue.array(before + options.lineage).canonicalText()
            return pairs
        }
    }

    /// What a store says about itself: what the source store said, or the network recognised in it.
    var information: StoreMetadata {
        get throws {
            var information = try StoreMetadata(
                pairs: checkpoint.metadata, at: .init(file: checkpoint.path))
            information.lineage += options.lineage
            // A state dict in a layout of its own is no store of the network: only converting renames tensors.
            let recognised = selection.architecture.flatMap {
                $0.layout.isStores && $0.undecided == nil ? $0.configuration : nil
            }
            // A part of the tensors is no network.
            information.architecture = selection.isPartial ? nil : information.architecture ?? recognised
            guard !options.cast.isEmpty else { return information }
            var step = JSONObject()
            step["op"] = "cast"
            step["base"] = checkpoint.metadata[StoreMetadata.Key.content].map { .string($0) }
            step["dtype"] = options.cast.standard.map { .string($0.rawValue) }
            if !options.cast.rules.isEmpty {
                step["rules"] = .array(options.cast.rules.map { .string("\($0.pattern)=\($0.elementType.rawValue)") })
            }
            information.lineage.append(.object(step))
            return information
        }
    }
}
