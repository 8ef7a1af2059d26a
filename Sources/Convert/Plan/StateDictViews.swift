import UD2MFormats

/// A state dict, or a part of one, under the names it has without a wrapper (`formats.md` §9.2).
struct StateDictView {
    /// What was taken off every name.
    var prefix: String
    /// The tensors under their stripped names, in file order.
    var tensors: [TensorSource]

    /// Wrappers that stand inside names, wherever a wrapped layer does.
    private static let innerWrappers = ["_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module"]
    /// Parts of state dicts that hold several networks side by side.
    private static let branches = [
        "model.diffusion_model.", "diffusion_model.", "unet.", "model.", "module.", "net.", "network.", "ema_model.",
        "ema.", "student.", "teacher.", "g_ema.", "generator.",
    ]
    /// Where `LitEma` of latent-diffusion code keeps averaged weights.
    static let litEMAPrefix = "model_ema."

    /// The tensors as the file names them, wrappers inside names taken out.
    init(_ tensors: [TensorSource]) {
        self.prefix = ""
        self.tensors = Self.withoutInnerWrappers(tensors)
    }

    private init(prefix: String, tensors: [TensorSource]) {
        self.prefix = prefix
        self.tensors = tensors
    }

    /// The same with one more prefix off, or nil when some name lacks it or nothing is left.
    func stripping(_ wrapper: String) -> StateDictView? {
        guard !tensors.isEmpty, tensors.allSatisfy({ $0.name.hasPrefix(wrapper) }) else { return nil }
        return StateDictView(prefix: prefix + wrapper, tensors: Self.dropping(wrapper, from: tensors))
    }

    /// The parts under each known prefix that some names have and others lack.
    var parts: [StateDictView] {
        Self.branches.compactMap { branch in
            let part = tensors.filter { $0.name.hasPrefix(branch) }
            guard !part.isEmpty, part.count < tensors.count else { return nil }
            return StateDictView(prefix: prefix + branch, tensors: Self.dropping(branch, from: part))
        }
    }

    /// The averaged weights of a network that was found here: `LitEma` takes the dots out of names, so they are matched
    /// by taking the dots out of the expected ones.
    ///
    /// Nil unless every parameter is there with its shape.
    func litEMA(of choice: StateDictChoice) -> StateDictView? {
        let averaged = Dictionary(
            tensors.filter { $0.name.hasPrefix(Self.litEMAPrefix) }.map { source in
                (source.name.dropFirst(Self.litEMAPrefix.utf8.count), source)
            }
        ) { first, _ in first }
        guard !averaged.isEmpty else { return nil }
        // The attribute that was averaged, such as `model.`, is not part of the averaged names.
        let full = choice.prefix
        let inner = full.firstIndex(of: ".").map { String(full[full.index(after: $0)...]) } ?? ""
        for start in [full, inner] {
            let found = choice.architecture.parameters.compactMap { parameter -> TensorSource? in
                let expected = choice.architecture.layout.fileTensor(parameter)
                let name = TensorName(bytes: (Array(start.utf8) + expected.name.bytes).filter { $0 != 0x2E })
                guard var source = averaged[name], source.shape == expected.shape else { return nil }
                source.name = expected.name
                return source
            }
            if found.count == choice.architecture.parameters.count {
                return StateDictView(prefix: Self.litEMAPrefix, tensors: found)
            }
        }
        return nil
    }

    private static func dropping(_ prefix: String, from tensors: [TensorSource]) -> [TensorSource] {
        tensors.map { source in
            var source = source
            source.name = source.name.dropFirst(prefix.utf8.count)
            return source
        }
    }

    /// Takes wrappers out of the middle of names, unless two names would become one.
    private static func withoutInnerWrappers(_ tensors: [TensorSource]) -> [TensorSource] {
        let wrappers = innerWrappers.map { Array($0.utf8)[...] }
        var changed = tensors
        for index in changed.indices {
            let parts = changed[index].name.bytes.split(separator: 0x2E, omittingEmptySubsequences: false)
            guard parts.count > 1, parts.contains(where: wrappers.contains) else { continue }
            changed[index].name = TensorName(
                bytes: Array(parts.filter { !wrappers.contains($0) }.joined(separator: [0x2E])))
        }
        return Set(changed.map(\.name)).count == changed.count ? changed : tensors
    }
}
