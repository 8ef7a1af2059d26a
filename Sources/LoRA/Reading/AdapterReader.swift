import UD2MFormats

/// Reads an adapter of any convention (`formats.md` §13, `adapters.md` §9).
///
/// Only small numbers are read: alphas, scalars. Factors are described and read when they are used.
struct AdapterReader {
    /// The tensors of one module, by what they are to it.
    typealias Group = [AdapterRole: TensorSource]

    let file: AdapterFile
    var names: AdapterNames
    var scales: AdapterScales
    private(set) var targets: [AdapterTarget] = []
    private(set) var leftAside: [String: [TensorName]] = [:]
    var notes: [String] = []

    /// The four numbers of UD2M's sampler that its training saves beside the factors.
    private static let samplerScalars: Set<String> = ["SP_Param.0", "LambdaSIG.0", "TAUG.0", "TLAT.0"]
    /// UD2M's numerator, a constant of its code (`adapters.md` §9).
    static let ud2mAlpha = 1.5

    init(_ file: AdapterFile, alpha: StandardAlpha?) throws {
        self.file = file
        let keys = file.stateDict.tensors.compactMap { AdapterKey($0.name.text) }
        let convention = try Self.convention(file, keys)
        names = try AdapterNames(convention, metadata: file.checkpoint.metadata, file: file.checkpoint.path)
        scales = try AdapterScales(convention, file: file, alpha: alpha)
    }

    /// The adapter.
    mutating func adapter() throws -> Adapter {
        var groups: [String: Group] = [:]
        var plain: [TensorSource] = []
        for tensor in file.stateDict.tensors {
            guard let key = AdapterKey(tensor.name.text) else {
                plain.append(tensor)
                continue
            }
            guard groups[key.module, default: [:]].updateValue(tensor, forKey: key.role) == nil else {
                throw UD2MError(
                    .adapterMixed, "Two tensors are the same part of \(key.module).",
                    at: .init(tensor: tensor.name.text))
            }
        }
        // Before the groups: kinds that cannot be merged leave an alpha behind that would be the first to fail.
        for tensor in plain {
            guard let kind = AdapterKey.refusedKind(tensor.name.text) else { continue }
            throw UD2MError.refusedAdapter(kind, tensor, file.checkpoint.path)
        }
        for (module, group) in groups.sorted(by: { $0.key < $1.key }) { try read(module, group) }
        for tensor in plain { try readWhole(tensor) }
        try scales.requireAlphas()
        if !scales.withoutAlpha.isEmpty {
            notes.append(
                "Modules without an alpha: \(scales.withoutAlpha.count). Their scale is 1, as diffusers has it.")
        }
        if let changed = scales.changedBase { notes.append(changed.note) }
        return Adapter(
            path: file.path, convention: names.convention, targets: targets,
            leftAside: leftAside.sorted { $0.key < $1.key }.map { .init(names: $0.value, reason: $0.key) },
            notes: notes, baseName: scales.baseName, changedBase: scales.changedBase)
    }

    private static func convention(_ file: AdapterFile, _ keys: [AdapterKey]) throws(UD2MError) -> AdapterConvention {
        let spellings = Set(keys.map(\.spelling)).subtracting([.any])
        func mixed() -> UD2MError {
            UD2MError(
                .adapterMixed, "The file mixes the names of several conventions.",
                at: .init(file: file.checkpoint.path),
                remedy: "Split it into one file for each adapter.")
        }
        if spellings.contains(.ud2m) {
            guard spellings == [.ud2m] else { throw mixed() }
            return .ud2m
        }
        if spellings.contains(.kohya) {
            guard spellings == [.kohya] else { throw mixed() }
            return .kohya
        }
        let isPEFT = keys.contains { $0.module.hasPrefix(AdapterNames.peftPrefix) }
        if isPEFT || (file.configuration != nil && !spellings.contains(.oldDiffusers)) {
            guard spellings.isSubset(of: [.peft]) else { throw mixed() }
            return .peft
        }
        // LyCORIS' own kinds alone come from kohya's trainers; anything else with `lora_A` and `lora_B` is diffusers'.
        return spellings.isEmpty ? .kohya : .diffusers
    }

    // MARK: Parts for the kinds

    /// Adds a target of a module.
    mutating func add(
        _ name: AdapterNames.Module, parameter: String = "weight", _ change: AdapterChange,
        original: TensorSource? = nil
    ) {
        targets.append(
            AdapterTarget(
                component: name.component, module: name.module, isFlattened: name.isFlattened, parameter: parameter,
                change: change, original: original))
    }

    /// Records tensors that are no part of the adapter.
    mutating func leaveAside(_ tensor: TensorSource, _ reason: String) {
        leftAside[reason, default: []].append(tensor.name)
    }

    /// Takes a tensor that is no factor as one that replaces the base's, where the convention has such.
    private mutating func readWhole(_ tensor: TensorSource) throws {
        let text = tensor.name.text
        if names.convention == .ud2m, Self.samplerScalars.contains(text) {
            return leaveAside(tensor, "A number of the sampler, which is no weight.")
        }
        guard let (module, parameter) = names.whole(text) else {
            throw UD2MError(
                .adapterKind, "The tensor is no part of any known kind of adapter.",
                at: .init(file: file.checkpoint.path, tensor: text),
                remedy: "Remove it from the file if it means nothing.")
        }
        guard tensor.elementType.isFloatingPoint, tensor.torchType == nil else {
            return leaveAside(tensor, "No floating-point numbers.")
        }
        add(module, parameter: parameter, .replacement(tensor))
    }
}

extension Adapter {
    /// Reads an adapter; nothing but its scales is loaded.
    /// - Parameters:
    ///   - file: The open files.
    ///   - alpha: The numerator of the scale of modules for which the file says none.
    /// - Throws: ``UD2MFormats/UD2MError`` with an `adapter-…` code; the location names the file and the tensor.
    public init(_ file: AdapterFile, alpha: StandardAlpha? = nil) throws {
        do {
            var reader = try AdapterReader(file, alpha: alpha)
            self = try reader.adapter()
        } catch let error as UD2MError {
            throw error.located(in: .init(file: file.checkpoint.path))
        }
    }
}
