import UD2MFormats

/// The tensors of a bundle, taken out one part after another, so that what belongs to nothing is left at the end.
struct BundleParts {
    private var tensors: [TensorName: TensorSource] = [:]
    private let order: [TensorName]

    init(_ tensors: [TensorSource]) {
        order = tensors.map(\.name)
        for tensor in tensors { self.tensors[tensor.name] = tensor }
    }

    private static func error(_ message: String, _ name: String) -> UD2MError {
        UD2MError(
            .bundleTensor, message, at: .init(tensor: name), remedy: "The file is damaged: make or fetch it again.")
    }

    // MARK: The adapter

    /// Takes the tensors of every target.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `bundle-tensor`, `adapter-kind`, `adapter-rank` or `adapter-shape`.
    mutating func adapter(_ description: AdapterManifest, path: String) throws -> Adapter {
        guard !description.targets.isEmpty else {
            throw UD2MError(
                .bundleManifest, "The bundle's adapter changes nothing.", at: .init(entry: AdapterManifest.key))
        }
        var targets: [AdapterTarget] = []
        var seen: Set<TensorName> = []
        for item in description.targets {
            var target = try self.target(item)
            target.component = nil
            guard seen.insert(target.tensorName).inserted else {
                throw UD2MError(
                    .bundleManifest, "The tensor is changed twice.",
                    at: .init(entry: AdapterManifest.key, tensor: target.tensorName.text))
            }
            targets.append(target)
        }
        return Adapter(path: path, convention: description.convention, targets: targets)
    }

    private mutating func target(_ item: AdapterManifest.Target) throws -> AdapterTarget {
        let name = item.module.isEmpty ? item.parameter : "\(item.module).\(item.parameter)"
        func malformed(_ code: UD2MError.Code, _ message: String) -> UD2MError {
            UD2MError(code, message, at: .init(entry: AdapterManifest.key, tensor: name))
        }
        guard item.shape.count == 2, item.shape.allSatisfy({ $0 > 0 }), item.scale.isFinite else {
            throw malformed(.bundleManifest, "The target's shape or scale makes no sense.")
        }
        let change: AdapterChange
        switch item.kind {
        case "lora":
            guard let rank = item.rank, rank > 0 else { throw malformed(.adapterRank, "The rank is 0 or missing.") }
            let up = try take("\(TaskBundle.Prefix.adapter)\(name).up", shape: [item.shape[0], rank])
            let down = try take("\(TaskBundle.Prefix.adapter)\(name).down", shape: [rank, item.shape[1]])
            change = .lowRank(
                LowRankFactors(
                    up: try Factor(up), down: try Factor(down),
                    scale: AdapterScale(alpha: item.alpha, rank: rank, value: item.scale)))
        case "replacement": change = .replacement(try take(whole: item, name))
        case "difference": change = .difference(try take(whole: item, name), scale: item.scale)
        default:
            throw malformed(.adapterKind, "A bundle holds no change of kind \(item.kind.escapedForDisplay).")
        }
        return AdapterTarget(module: item.module, parameter: item.parameter, change: change)
    }

    private mutating func take(whole item: AdapterManifest.Target, _ name: String) throws -> TensorSource {
        let tensor = try take("\(TaskBundle.Prefix.adapter)\(name).\(item.kind)")
        // Sizes beside a zero may be beyond any product.
        guard tensor.elementCount > 0, (tensor.shape.first ?? 1) == item.shape[0],
            tensor.shape.dropFirst().reduce(1, *) == item.shape[1]
        else {
            throw Self.error("The tensor is \(tensor.shape), the manifest says \(item.shape).", tensor.name.text)
        }
        return tensor
    }

    private mutating func take(_ name: String, shape: [Int]? = nil) throws -> TensorSource {
        guard let tensor = tensors.removeValue(forKey: TensorName(name)) else {
            throw Self.error("The tensor is missing.", name)
        }
        guard tensor.elementType == .f32, tensor.torchType == nil else {
            throw Self.error("The tensor must be of single precision, not \(tensor.elementTypeName).", name)
        }
        if let shape, tensor.shape != shape {
            throw Self.error("The tensor is \(tensor.shape), the manifest says \(shape).", name)
        }
        return tensor
    }

    // MARK: Networks

    /// Takes the tensors of a network, under its own names.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `bundle-tensor` when there are some and none is expected, or the
    ///   other way round.
    mutating func take(_ prefix: String, isExpected: Bool) throws -> [TensorSource] {
        var taken: [TensorSource] = []
        for name in order where name.hasPrefix(prefix) {
            guard var tensor = tensors.removeValue(forKey: name) else { continue }
            guard isExpected else {
                throw Self.error("The tensor belongs to a network that the manifest does not name.", name.text)
            }
            tensor.name = name.dropFirst(prefix.utf8.count)
            taken.append(tensor)
        }
        guard isExpected == !taken.isEmpty else {
            throw Self.error("The manifest names a network whose tensors are missing.", prefix)
        }
        return taken
    }

    /// Throws for tensors that nothing has taken.
    func requireEmpty() throws {
        guard let first = order.first(where: { tensors[$0] != nil }) else { return }
        throw Self.error("\(tensors.count) tensors belong to nothing in the bundle.", first.text)
    }
}

extension AdapterScale {
    /// The scale that a manifest tells by its numerator and its value: divided by the rank or by its root, whichever is
    /// exact, and by neither where both round.
    fileprivate init(alpha: Double?, rank: Int, value: Double) {
        let stated = [false, true].compactMap { root in
            alpha.map { AdapterScale(alpha: $0, rank: rank, usesRootOfRank: root) }
        }
        self =
            stated.first { $0.value == value } ?? AdapterScale(alpha: Double(rank), rank: rank, multiplier: value)
    }
}
