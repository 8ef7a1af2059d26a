import Synchronization

/// Writes weight stores in two phases: a plan that says where every byte goes, then one pass over the data.
public struct WeightStoreWriter: Sendable {
    /// What was written.
    public struct Summary: Sendable, Hashable {
        /// The identity of the weights (`formats.md` §12.4).
        public let contentID: String
        /// Bytes of the file.
        public let fileSize: Int
        /// The digests of each tensor.
        public let digests: [TensorName: TensorDigests]
    }

    /// The alignment of the data's start unless asked otherwise: a page of Apple silicon, four of x86.
    public static let standardAlignment = 16_384

    /// The plan: names, types, shapes and places, in file order.
    public let plan: TensorPlan
    /// The offset in the file of the first data byte.
    public private(set) var dataStart: Int
    /// Further names of tensors.
    public let aliases: [TensorName: TensorName]
    private let tensors: [TensorInput]
    private let information: StoreMetadata
    private let alignment: Int

    /// Bytes of the file.
    public var fileSize: Int { dataStart + plan.dataBytes }

    /// Plans a store; nothing is read or written.
    /// - Parameters:
    ///   - tensors: The tensors in any order; names must differ.
    ///   - aliases: Further names, each with the name of the tensor it stands for.
    ///   - information: What the store says about itself; without a creation time the output is reproducible.
    ///   - alignment: The alignment of the data's start, a power of two from 64 on.
    /// - Throws: ``UD2MError`` with code `store-tensor`, `store-alias`, `store-alignment`, `store-metadata` or
    ///   `architecture-invalid`.
    public init(
        tensors: [TensorInput], aliases: [TensorName: TensorName] = [:], information: StoreMetadata = .init(),
        alignment: Int = standardAlignment
    ) throws {
        guard StoreGuarantees.alignments.contains(alignment), alignment.nonzeroBitCount == 1 else {
            throw UD2MError(
                .storeAlignment, "The alignment must be a power of two from 64 to 2^26.",
                remedy: "Leave it at \(Self.standardAlignment).")
        }
        let plan = try TensorPlan(tensors)
        let names = Set(tensors.lazy.map(\.name))
        for (alias, target) in aliases {
            guard names.contains(target), !names.contains(alias), String(validating: alias.bytes, as: UTF8.self) != nil
            else {
                throw UD2MError(
                    .storeAlias, "An alias must be a new name and stand for a tensor of the store.",
                    at: .init(tensor: alias.text))
            }
        }
        // What is written must be readable, so what a reader would refuse is refused here.
        if let architecture = information.architecture { _ = try ArchitectureConfiguration(json: architecture.json) }
        for key in information.other.keys.sorted()
        where StoreMetadata.Key.computed.contains(key) || StoreMetadata.Key.typed.contains(key) {
            throw UD2MError(.storeMetadata, "'\(key)' is written by the store itself.", at: .init(entry: key))
        }
        self.tensors = tensors
        self.aliases = aliases
        self.information = information
        self.alignment = alignment
        self.plan = plan
        self.dataStart = 0
        self.dataStart = try header(digests: Self.placeholders(plan), contentID: Self.placeholderID).count
    }

    /// Streams all tensors into a new file.
    ///
    /// The file appears complete under its name or not at all, and an existing one is replaced only if `overwrite`.
    /// - Parameters:
    ///   - path: Where to.
    ///   - overwrite: Whether an existing file may be replaced.
    ///   - inputs: Paths that must not be replaced.
    ///   - progress: Called now and then with the bytes done and all bytes; may throw to cancel.
    /// - Returns: The identity and the digests of what was written.
    /// - Throws: ``UD2MError`` with an `output-…` code or what reading a tensor throws.
    public func write(
        to path: String, overwrite: Bool = false, inputs: [String] = [],
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws -> Summary {
        let file = try AtomicFile(path: path, byteCount: fileSize, overwrite: overwrite, inputs: inputs)
        let digests = try stream(to: file, progress: progress)
        let contentID = try ContentID.compute(
            plan.rows.map { row in
                .init(
                    name: row.name, elementType: row.elementType, shape: row.shape,
                    sha256: digests[row.name]?.sha256 ?? "")
            }, aliases: aliases)
        let header = try header(digests: digests, contentID: contentID)
        guard header.count == dataStart else {
            throw UD2MError(.storeTensorBytes, "The header changed its length while it was filled in.")
        }
        try header.withUnsafeBytes { try file.write($0, at: 0) }
        try file.commit()
        return Summary(contentID: contentID, fileSize: fileSize, digests: digests)
    }

    /// Writes and hashes the tensors on a few threads: hashing takes longer than writing, and every tensor has its place.
    private func stream(
        to file: AtomicFile, progress: (_ done: Int, _ total: Int) throws -> Void
    ) throws -> [TensorName: TensorDigests] {
        let digests = Mutex<[TensorName: TensorDigests]>([:])
        let done = Atomic<Int>(0)
        // The calling thread alone reports, after each of its tensors; others may finish after it.
        try Workers.run(
            count: plan.rows.count, threads: Workers.count(limit: 8),
            onCaller: { try progress(done.load(ordering: .relaxed), plan.dataBytes) },
            body: { position in
                let row = plan.rows[position]
                let digest = try TensorWriter.write(
                    tensors[plan.order[position]], byteCount: row.dataRange.count,
                    at: dataStart + row.dataRange.lowerBound, to: file
                ) { bytes in
                    done.wrappingAdd(bytes, ordering: .relaxed)
                }
                digests.withLock { $0[row.name] = digest }
            })
        try progress(plan.dataBytes, plan.dataBytes)
        return digests.withLock { $0 }
    }

    // MARK: Header

    private static let placeholderID = String(repeating: "0", count: 64)

    private static func placeholders(_ plan: TensorPlan) -> [TensorName: TensorDigests] {
        var digests: [TensorName: TensorDigests] = [:]
        for row in plan.rows { digests[row.name] = .placeholder(byteCount: row.dataRange.count) }
        return digests
    }

    /// The header; its length does not depend on the digests, all of which have fixed widths.
    private func header(digests: [TensorName: TensorDigests], contentID: String) throws -> [UInt8] {
        var pairs = try information.pairs()
        pairs[StoreMetadata.Key.format] = "pt"
        pairs[StoreMetadata.Key.version] = StoreMetadata.version
        pairs[StoreMetadata.Key.alignment] = String(alignment)
        pairs[StoreMetadata.Key.content] = contentID
        var checks = JSONObject()
        for row in plan.rows {
            guard let digest = digests[row.name] else { continue }
            checks.append(row.name.text, digest.json)
        }
        pairs[StoreMetadata.Key.checksums] = try JSONValue.object(checks).canonicalText()
        if !aliases.isEmpty {
            var object = JSONObject()
            for (alias, target) in aliases { object.append(alias.text, .string(target.text)) }
            pairs[StoreMetadata.Key.aliases] = try JSONValue.object(object).canonicalText()
        }
        return try plan.header(metadata: pairs, alignment: alignment)
    }
}
