import UD2MFormats

/// The adapters of a checkpoint that UD2M's training saved: what it trained, without the frozen base (`formats.md` §9.3).
struct AdapterSummary {
    /// Where they are.
    let stateDict: StateDict
    /// Pairs of `lora_A` and `lora_B`.
    let count: Int
    /// The rank all pairs share, or nil when they differ.
    let rank: Int?
    /// Tensors that were trained whole.
    let trainedCount: Int

    private static let down = ".parametrizations.weight.0.lora_A"
    private static let up = ".parametrizations.weight.0.lora_B"

    /// Finds the adapters in a state dict; nil when it has none.
    /// - Throws: ``UD2MError`` with code `adapter-malformed` when a pair is incomplete or its ranks differ.
    init?(_ stateDict: StateDict, file: String) throws(UD2MError) {
        let shapes = Dictionary(stateDict.tensors.map { ($0.name, $0.shape) }) { first, _ in first }
        func malformed(_ message: String, _ name: TensorName) -> UD2MError {
            UD2MError(.adapterMalformed, message, at: .init(file: file, tensor: name.text))
        }
        var ranks: [Int] = []
        var paired = 0
        for (name, shape) in shapes where name.bytes.suffix(Self.down.utf8.count).elementsEqual(Self.down.utf8) {
            let layer = name.bytes.dropLast(Self.down.utf8.count)
            let partner = TensorName(bytes: layer + Array(Self.up.utf8))
            guard let other = shapes[partner] else { throw malformed("The adapter has no lora_B.", name) }
            guard shape.count == 2, other.count == 2, shape[1] == other[0] else {
                throw malformed("The adapter's halves have shapes \(shape) and \(other), which do not multiply.", name)
            }
            ranks.append(shape[1])
            paired += 2
        }
        let halves = shapes.keys.filter { $0.bytes.suffix(Self.up.utf8.count).elementsEqual(Self.up.utf8) }
        if halves.count * 2 != paired,
            let lone = halves.sorted().first(where: { name in
                shapes[TensorName(bytes: name.bytes.dropLast(Self.up.utf8.count) + Array(Self.down.utf8))] == nil
            })
        {
            throw malformed("The adapter has no lora_A.", lone)
        }
        guard let first = ranks.first else { return nil }
        self.stateDict = stateDict
        self.count = ranks.count
        self.rank = ranks.allSatisfy { $0 == first } ? first : nil
        self.trainedCount = shapes.count - paired
    }

    /// Why such a file cannot become a store by itself.
    func error(file: String) -> UD2MError {
        let rankText = rank.map { "of rank \($0)" } ?? "of different ranks"
        return UD2MError(
            .baseNetworkMissing,
            "\(stateDict.displayPath) holds \(count) LoRA adapters \(rankText) and \(trainedCount) trained tensors, as "
                + "UD2M saves them; the frozen base network is not in the file.", at: .init(file: file),
            remedy: "Convert the network it was trained on, such as diffusion_ffhq_10m.pt or "
                + "256x256_diffusion_uncond.pt, and merge the adapters into that.")
    }
}

extension UD2MError.Code {
    /// The file holds what was trained on top of a network, and not the network.
    public static let baseNetworkMissing = UD2MError.Code("base-network-missing", .badData)
    /// One half of an adapter is missing, or its halves do not fit each other.
    public static let adapterMalformed = UD2MError.Code("adapter-malformed", .badData)
}
