/// Finds the weights among the names in a model's folder, as diffusers and transformers write them.
///
/// A model may lie there several times: as safetensors and as a pickle, whole and in shards, and in variants such as
/// `diffusion_pytorch_model.fp16.safetensors`, each of which stands for other numbers.
struct ModelFolder {
    /// The file to open; nil when no name is one of weights.
    let file: String?
    /// The other files of weights, sorted.
    let others: [String]

    /// Chooses: plain weights before variants, an index before single files, safetensors before pickles.
    /// - Throws: `folder-ambiguous` when there are several variants and no plain weights, or indexes of several models.
    init(names: [String], path: String) throws(UD2MError) {
        let candidates = names.compactMap { Candidate($0) }.sorted { ($0.rank, $0.name) < ($1.rank, $1.name) }
        file = candidates.first?.name
        others = candidates.dropFirst().map(\.name).sorted()
        guard let best = candidates.first else { return }
        let rivals = candidates.filter {
            ($0.variant == nil) == (best.variant == nil)
                && ($0.variant != best.variant || $0.isIndex && best.isIndex && $0.family != best.family)
        }
        guard rivals.isEmpty else {
            let listed = ([best] + rivals).map(\.name).sorted().joined(separator: ", ")
            throw UD2MError(
                .folderAmbiguous, "The folder holds several sets of weights, none of them the plain one: \(listed).",
                at: .init(file: path), remedy: "Name one of these files instead of the folder.")
        }
    }

    /// What to do with a folder that is no checkpoint: name a file in it that may be one.
    static func remedy(names: [String]) -> String {
        let endings = [".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".tar", ".pt2", ".npz", ".npy", ".pkl", ".ud2w"]
        let files = names.filter { name in endings.contains(where: name.hasSuffix) }.sorted()
        guard files.isEmpty else { return "Name a file inside it, such as \(files.prefix(5).joined(separator: ", "))." }
        return "A folder can be named that holds a distributed checkpoint (.metadata and its files), shards with their "
            + "index, or a model or pipeline that diffusers or transformers saved."
    }

    /// A remark that says which file was taken, where there were others.
    var remark: String? {
        guard let file, !others.isEmpty else { return nil }
        return "The folder's weights were taken from \(file); it also has \(others.joined(separator: ", "))."
    }
}

/// A name that stands for weights.
private struct Candidate {
    let name: String
    /// "fp16" of `diffusion_pytorch_model.fp16.safetensors`; nil for plain weights.
    let variant: String?
    let isIndex: Bool
    /// What the model is called; the two names of transformers are one model.
    let family: String
    private let isPickle: Bool

    /// The kinds of file that a name comes with; indexes may have any name.
    private static let kinds = [
        "diffusion_pytorch_model": ["safetensors", "bin"], "model": ["safetensors"], "pytorch_model": ["bin"],
    ]

    init?(_ name: String) {
        var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let base = parts.removeFirst()
        isIndex = parts.last == "json" && parts.contains("index")
        if isIndex { parts.removeAll { $0 == "json" || $0 == "index" } }
        isPickle = parts.contains("bin")
        let kinds = Self.kinds[base]
        // The words left over name the variant; of a single file the last one must be its kind.
        guard isIndex || parts.last.map({ kinds?.contains($0) == true }) == true else { return nil }
        parts.removeAll { $0 == "safetensors" || $0 == "bin" }
        variant = parts.isEmpty ? nil : parts.joined(separator: ".")
        // A shard belongs to an index.
        guard isIndex || variant?.contains("-of-") != true else { return nil }
        family = base == "pytorch_model" ? "model" : base
        self.name = name
    }

    /// Less is better.
    var rank: Int {
        let isDiffusers = family == "diffusion_pytorch_model"
        return (variant == nil ? 0 : 8) + (isIndex ? 0 : 4) + (isDiffusers ? 0 : 2) + (isPickle ? 1 : 0)
    }
}

extension UD2MError.Code {
    /// A folder holds several sets of weights, and nothing says which is meant.
    public static let folderAmbiguous = Self("folder-ambiguous", .usage)
}
