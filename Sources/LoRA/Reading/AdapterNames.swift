import UD2MFormats

/// How a convention names modules.
struct AdapterNames: Sendable {
    /// A module's name taken apart.
    struct Module: Hashable {
        var component: String?
        var module: String
        var isFlattened = false
    }

    /// What PEFT puts before every name.
    static let peftPrefix = "base_model.model."
    /// The parts of a diffusers pipeline that adapters change.
    static let components = [
        "unet", "transformer", "transformer_2", "text_encoder", "text_encoder_2", "text_encoder_3", "prior",
        "controlnet",
        "vae",
    ]
    /// kohya's words for them; the first that fits counts.
    static let flatPrefixes: [(prefix: String, component: String?)] = [
        ("lora_unet_", "unet"), ("lora_te1_", "text_encoder"), ("lora_te2_", "text_encoder_2"),
        ("lora_te3_", "text_encoder_3"), ("lora_te_", "text_encoder"), ("lora_transformer_", "transformer"),
        ("lycoris_", nil), ("lora_", nil),
    ]

    let convention: AdapterConvention
    /// Names with their dots, by the names without, where the file's own manifest tells them.
    private var dotted: [String: String] = [:]

    init(_ convention: AdapterConvention, metadata: [String: String], file: String) throws {
        self.convention = convention
        guard convention == .kohya, let manifest = try AdapterManifest(metadata: metadata, file: file) else { return }
        for target in manifest.targets {
            dotted[Self.flattened(target.module)] = target.module
        }
    }

    /// The module's name with underscores for dots.
    static func flattened(_ module: String) -> String { module.replacing(".", with: "_") }

    /// Takes a name before its ending apart.
    func module(_ text: String) -> Module {
        switch convention {
        case .ud2m: return Module(module: text)
        case .peft:
            return Module(
                module: text.hasPrefix(Self.peftPrefix) ? String(text.dropFirst(Self.peftPrefix.count)) : text)
        case .diffusers:
            guard let component = Self.components.first(where: { text.hasPrefix($0 + ".") }) else {
                return Module(module: text)
            }
            return Module(component: component, module: String(text.dropFirst(component.count + 1)))
        case .kohya:
            let prefix = Self.flatPrefixes.first { text.hasPrefix($0.prefix) }
            let rest = prefix.map { String(text.dropFirst($0.prefix.count)) } ?? text
            let name = dotted[rest]
            // A name with dots in it has kept them.
            return Module(
                component: prefix?.component, module: name ?? rest, isFlattened: name == nil && !rest.contains("."))
        }
    }

    /// The module and parameter of a tensor that replaces the base's; nil where the convention has no such tensors.
    func whole(_ text: String) -> (Module, parameter: String)? {
        guard convention == .ud2m || convention == .peft else { return nil }
        var name = text
        if convention == .peft {
            guard name.hasPrefix(Self.peftPrefix) else { return nil }
            name.removeFirst(Self.peftPrefix.count)
            if let range = name.firstRange(of: ".modules_to_save.") {
                // `head.modules_to_save.default.weight`, as it is while training.
                let rest = name[range.upperBound...]
                guard let dot = rest.firstIndex(of: ".") else { return nil }
                name = name[..<range.lowerBound] + "." + rest[rest.index(after: dot)...]
            }
        }
        guard let dot = name.lastIndex(of: ".") else { return (Module(module: ""), name) }
        return (Module(module: String(name[..<dot])), String(name[name.index(after: dot)...]))
    }
}
