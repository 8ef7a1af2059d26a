import UD2MFormats

/// What UD2M's training saves beside the adapter (`adapters.md` §9).
public struct TrainingRun: Sendable {
    /// Parts of the checkpoint that are no part of a bundle.
    public struct Dropped: Sendable, Hashable {
        /// The place in the file, such as `"optimizer_states"`.
        public var path: String
        /// How many tensors.
        public var tensors: Int
        /// Their bytes.
        public var bytes: Int
        /// Why, as a sentence.
        public var reason: String

        /// Creates a record.
        public init(path: String, tensors: Int, bytes: Int, reason: String) {
            self.path = path
            self.tensors = tensors
            self.bytes = bytes
            self.reason = reason
        }
    }

    /// The trained numbers of the unfolded step.
    public let scalars: HQSScalars
    /// The state dict with RAM's weights; nil when RAM was not used or not trained.
    public let ram: StateDict?
    /// Everything else, in file order.
    public let dropped: [Dropped]
    /// What a person should know, as sentences.
    public let notes: [String]

    static let scalarsKey = "HQS_state_dict"
    static let ramKey = "RAM_state_dict"

    /// Why a part of a checkpoint is left out, by its place's first component.
    private static let reasons: [String: String] = [
        "optimizer_states": "The optimiser's state, which only training needs.",
        "opt_g_state_dict": "The optimiser's state, which only training needs.",
        "opt_d_state_dict": "The discriminator's optimiser, which only training needs.",
        "Discriminator_state_dict": "The discriminator, which only training needs.",
        "lr_schedulers": "The schedule of learning rates, which only training needs.",
        "callbacks": "Notes of the training program.", "loops": "Notes of the training program.",
    ]

    /// Reads the parts of a checkpoint; nil when it is no run of UD2M's training.
    /// - Parameters:
    ///   - checkpoint: The file.
    ///   - adapter: The state dict that holds the adapter.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `bundle-settings` for numbers that are out of range or for every
    ///   iteration, or what reading them throws.
    public init?(_ checkpoint: Checkpoint, adapter: StateDict) throws {
        guard let state = checkpoint.stateDicts.first(where: { $0.path == [Self.scalarsKey] }) else { return nil }
        do {
            scalars = try Self.scalars(state)
        } catch let error as UD2MError {
            throw error.located(in: .init(file: checkpoint.path, entry: Self.scalarsKey))
        }
        ram = checkpoint.stateDicts.first { $0.path == [Self.ramKey] && !$0.tensors.isEmpty }
        var dropped: [Dropped] = []
        func drop(_ path: String, _ tensors: [TensorSource], _ reason: String) {
            guard !tensors.isEmpty else { return }
            let bytes = tensors.reduce(0) { $0 + $1.byteCount }
            if let index = dropped.firstIndex(where: { $0.path == path }) {
                dropped[index].tensors += tensors.count
                dropped[index].bytes += bytes
            } else {
                dropped.append(Dropped(path: path, tensors: tensors.count, bytes: bytes, reason: reason))
            }
        }
        let copies = state.tensors.filter { $0.name.hasPrefix(Self.copyPrefix) }
        drop("\(Self.scalarsKey).\(Self.copyPrefix)*", copies, "The adapter once more.")
        for other in checkpoint.stateDicts where ![adapter.path, [Self.scalarsKey], [Self.ramKey]].contains(other.path)
        {
            let place = other.path.first ?? other.displayPath
            drop(place, other.tensors, Self.reasons[place] ?? "No part of an adapter.")
        }
        for tensor in checkpoint.looseTensors {
            let place = tensor.path.first ?? ""
            drop(place, [tensor], Self.reasons[place] ?? "No part of an adapter.")
        }
        self.dropped = dropped
        notes = try Self.notes(copies, adapter: adapter)
    }

    private static let copyPrefix = "model."

    private static func scalars(_ state: StateDict) throws -> HQSScalars {
        var scalars = HQSScalars()
        for tensor in state.tensors {
            guard let name = HQSScalars.names.first(where: { tensor.name.hasPrefix($0.stored + ".") }) else { continue }
            let place = UD2MError.Location(tensor: tensor.name.text)
            guard tensor.name == TensorName(name.stored + ".0") else {
                throw UD2MError(
                    .bundleSettings, "The run trained numbers for each iteration; only shared ones are supported.",
                    at: place)
            }
            let value = try tensor.number()
            guard abs(value) <= HQSScalars.limit else {
                throw UD2MError(
                    .bundleSettings, "The number \(value) is out of range: its exponential is infinite.", at: place,
                    remedy: "The training diverged.")
            }
            scalars[keyPath: name.path] = value
        }
        return scalars
    }

    /// Compares the second copy of the adapter with the first.
    private static func notes(_ copies: [TensorSource], adapter: StateDict) throws -> [String] {
        let own = Dictionary(adapter.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let differing = try copies.count { copy in
            guard let tensor = own[copy.name.dropFirst(copyPrefix.utf8.count)],
                tensor.elementCount == copy.elementCount
            else { return false }
            return try tensor.values() as [Float] != copy.values()
        }
        guard differing > 0 else { return [] }
        return [
            "\(differing) tensors of the adapter's copy in \(scalarsKey) differ from those of \(adapter.displayPath), "
                + "which are taken."
        ]
    }
}
