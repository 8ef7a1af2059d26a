import UD2MFormats

/// The network that an adapter is applied to: its tensors, and the names by which adapters find them.
public struct AdapterBase: Sendable {
    /// The file, for errors.
    public let path: String
    /// The tensors in file order.
    public let tensors: [TensorSource]
    private let indices: [TensorName: Int]
    /// Tensors by names that other layouts of the network give them.
    private let otherNames: [TensorName: Int]
    /// Modules with a weight by their names without dots; several where the dots are all that tells them apart.
    private let flattened: [String: [Int]]

    /// Prefixes that some files have before every name and others lack.
    static let wrappers = [
        "model.diffusion_model.", "diffusion_model.", "unet.", "transformer.", "model.", "module.", "text_encoder.",
        "text_encoder_2.",
    ]

    /// Indexes a network.
    /// - Parameters:
    ///   - path: The file, for errors.
    ///   - tensors: Its tensors.
    ///   - otherNames: Names of other layouts, each with the name of the tensor it stands for.
    public init(path: String, tensors: [TensorSource], otherNames: [TensorName: TensorName] = [:]) {
        self.path = path
        self.tensors = tensors
        let indices = Dictionary(
            tensors.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
        self.indices = indices
        self.otherNames = otherNames.compactMapValues { indices[$0] }
        var flattened: [String: [Int]] = [:]
        func add(_ name: String, _ index: Int) {
            guard name.hasSuffix(".weight") else { return }
            let flat = AdapterNames.flattened(String(name.dropLast(".weight".count)))
            if flattened[flat]?.contains(index) != true { flattened[flat, default: []].append(index) }
        }
        for (index, tensor) in tensors.enumerated() {
            let name = tensor.name.text
            add(name, index)
            for wrapper in Self.wrappers where name.hasPrefix(wrapper) {
                add(String(name.dropFirst(wrapper.count)), index)
            }
        }
        for (name, index) in self.otherNames { add(name.text, index) }
        self.flattened = flattened
    }

    /// The tensor that a target changes; nil when there is none.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-name-ambiguous` when a name without dots fits several.
    func tensor(of target: AdapterTarget) throws(UD2MError) -> TensorSource? {
        if target.isFlattened {
            let found = flattened[target.module] ?? []
            guard found.count <= 1 else {
                let names = found.prefix(5).map { tensors[$0].name.text }.joined(separator: ", ")
                throw UD2MError(
                    .adapterNameAmbiguous, "'\(target.module)' may be any of \(names).",
                    at: .init(file: path, tensor: target.module),
                    remedy: "Use the adapter in a form that keeps the dots of names.")
            }
            guard let index = found.first else { return nil }
            guard target.parameter != "weight" else { return tensors[index] }
            let module = tensors[index].name.text.dropLast("weight".count)
            return self[TensorName(module + target.parameter)]
        }
        let name = target.tensorName.text
        var candidates = [name]
        if let component = target.component { candidates.insert("\(component).\(name)", at: 0) }
        for wrapper in Self.wrappers {
            candidates.append(wrapper + name)
            if name.hasPrefix(wrapper) { candidates.append(String(name.dropFirst(wrapper.count))) }
        }
        return candidates.lazy.compactMap { self[TensorName($0)] }.first
    }

    private subscript(_ name: TensorName) -> TensorSource? {
        (indices[name] ?? otherNames[name]).map { tensors[$0] }
    }
}
