import UD2MFormats

/// Turns a conversion plan into a weight store.
public struct Converter: Sendable {
    /// What goes into the store besides the weights.
    public struct Options: Sendable {
        /// When the store was made, UTC, or nil to leave it out, so that the same input always gives the same bytes.
        public var created: String?
        /// Whether to record the checkpoint's file name.
        public var recordsFileName = true
        /// The licence of the weights.
        public var license: String?
        /// Free text.
        public var note: String?
        /// The alignment of the first data byte; a power of two.
        public var alignment = WeightStoreWriter.standardAlignment
        /// Paths of further files that tensors come from.
        public var otherInputs: [String] = []
        /// SHA-256 of the checkpoint's file, then of ``otherInputs``, where they are to be recorded.
        public var sourceDigests: [String] = []
        /// Which tensors are stored as another type than the checkpoint's.
        public var cast = CastRules.none

        /// Creates the defaults: reproducible, with the file name.
        public init() {}
    }

    /// The plan.
    public let plan: ConversionPlan
    private let otherInputs: [String]
    /// Where every byte of the store will go.
    public let writer: WeightStoreWriter
    /// What conversions could not keep, and numbers that are none; complete after ``write(to:overwrite:progress:)``.
    public let ledger: ConversionLedger

    /// Lays the store out; nothing is read or written.
    /// - Parameters:
    ///   - plan: the matched tensors.
    ///   - options: what else goes in.
    ///   - toolVersion: the version of the tool, for the source record.
    /// - Throws: ``UD2MError`` when the layout is impossible, something about the network is undecided, or with code
    ///   `tensor-expansion`.
    public init(plan: ConversionPlan, options: Options = Options(), toolVersion: String) throws {
        let choice = plan.choice
        if let undecided = choice.architecture.undecided { throw undecided }
        try plan.mapped.checkExpansion(file: plan.checkpoint.path)
        let types = try options.cast.elementTypes(of: plan.mapped)
        let aliases = TensorAliases.among(plan.mapped) { types[$0.name] ?? $0.elementType }
        let ledger = ConversionLedger()
        let information = StoreMetadata(
            architecture: choice.architecture.configuration, config: choice.architecture.schedule?.record,
            source: Self.sourceRecord(plan, options: options, toolVersion: toolVersion), created: options.created,
            license: options.license, note: options.note)
        self.plan = plan
        self.otherInputs = options.otherInputs
        self.ledger = ledger
        self.writer = try WeightStoreWriter(
            tensors: plan.mapped.filter { aliases[$0.name] == nil }.map {
                TensorInput($0, as: types[$0.name] ?? $0.elementType, ledger: ledger).countingNotFinite(in: ledger)
            }, aliases: aliases,
            information: information, alignment: options.alignment)
    }

    /// Streams the weights into a new file, which appears complete or not at all.
    /// - Parameters:
    ///   - path: where to.
    ///   - overwrite: whether an existing file may be replaced.
    ///   - progress: called with the bytes done and all bytes; may throw to cancel.
    /// - Returns: the content id and the digests.
    /// - Throws: ``UD2MError`` from reading or writing.
    public func write(
        to path: String, overwrite: Bool = false, progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws -> WeightStoreWriter.Summary {
        do {
            return try writer.write(
                to: path, overwrite: overwrite, inputs: [plan.checkpoint.path] + otherInputs, progress: progress)
        } catch let error as UD2MError where error.code.category == .badData {
            throw error.located(in: .init(file: plan.checkpoint.path))
        }
    }

    private static func sourceRecord(_ plan: ConversionPlan, options: Options, toolVersion: String) -> JSONValue {
        var record = JSONObject()
        record["bytes"] = .unsigned(UInt64(plan.checkpoint.fileSize))
        record["container"] = .string(plan.checkpoint.container.rawValue)
        if options.recordsFileName {
            // The last component only: a store must not tell where its maker keeps files.
            func name(_ path: String) -> JSONValue { .string(path.split(separator: "/").last.map(String.init) ?? "") }
            record["file"] = name(plan.checkpoint.path)
            if !options.otherInputs.isEmpty { record["files"] = .array(options.otherInputs.map(name)) }
        }
        let digests = options.sourceDigests
        record["sha256"] = digests.first.map { .string($0) }
        if digests.count > 1 { record["filesSHA256"] = .array(digests.dropFirst().map { .string($0) }) }
        let absent = plan.missing.count + plan.misshapen.count
        if absent > 0 {
            let here = Set(plan.mapped.map(\.name))
            record["missing"] = .unsigned(UInt64(absent))
            record["missingTensors"] = .array(
                plan.choice.architecture.parameters.filter { !here.contains($0.name) }.map { .string($0.name.text) })
        }
        record["prefix"] = .string(plan.choice.prefix)
        record["state"] = .string(plan.choice.stateDict.displayPath)
        record["tool"] = .string("ud2m \(toolVersion)")
        return .object(record)
    }
}
