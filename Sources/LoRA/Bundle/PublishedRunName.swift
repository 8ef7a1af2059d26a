/// What the name of a checkpoint of UD2M's training tells (`adapters.md` §9):
/// `imagenet_lora_sr_bicubic_epoch=010-5.ckpt`, `lsun_BestPSNR_lora_inp_random_epoch=020-5.ckpt`.
public struct PublishedRunName: Sendable, Hashable {
    /// The data it was trained on.
    public let dataset: String
    /// The task as operator files spell it.
    public let task: String
    /// What the run called its operator.
    public let operatorName: String
    /// Whether its folder is one of runs that used RAM.
    public let usesRAM: Bool

    /// The run's words for tasks, the longer first where one begins with another.
    private static let tasks = [
        ("phase_retrieval", "phase-retrieval"), ("inpainting", "inpaint"), ("inpaint", "inpaint"), ("inp", "inpaint"),
        ("deblur", "deblur"), ("jpeg", "jpeg"), ("sr", "sr"),
    ]

    /// Takes a path apart; nil for names of another form.
    public init?(path: String) {
        let components = path.split(separator: "/")
        guard let file = components.last, let middle = file.firstRange(of: "_lora_"),
            let end = file[middle.upperBound...].firstRange(of: "_epoch=")
        else { return nil }
        let words = file[middle.upperBound..<end.lowerBound]
        guard let (word, task) = Self.tasks.first(where: { words.hasPrefix($0.0 + "_") }) else { return nil }
        let name = words.dropFirst(word.utf8.count + 1)
        var dataset = file[..<middle.lowerBound]
        if let best = dataset.firstRange(of: "_Best") { dataset = dataset[..<best.lowerBound] }
        func isPlain(_ text: Substring) -> Bool {
            !text.isEmpty && text.utf8.count <= 64
                && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        }
        guard isPlain(dataset), isPlain(name) else { return nil }
        self.dataset = String(dataset)
        self.task = task
        operatorName = String(name)
        usesRAM = components.dropLast().last?.hasPrefix("ckpts_RAM") ?? false
    }

    /// A word to call a bundle of the run by.
    public var bundleName: String { "\(dataset)-\(task)-\(operatorName)" }
}
