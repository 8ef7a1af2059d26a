extension [TensorSource] {
    /// The tensors with quantised ones as numbers; the scales and zero points of their channels are left out, being used.
    /// - Returns: The tensors in order.
    /// - Throws: ``UD2MError`` with code `tensor-not-dequantisable`.
    public func dequantised() throws -> [TensorSource] {
        let byName = Dictionary(map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var used: Set<TensorName> = []
        let plain = try map { tensor in
            guard tensor.quantisation?.axis != nil else { return try tensor.dequantised() }
            let names = tensor.channelParameterNames
            used.formUnion(names)
            return try tensor.dequantised(scales: byName[names[0]], zeroPoints: byName[names[1]])
        }
        return plain.filter { !used.contains($0.name) }
    }

    /// The tensors with sparse ones whole, each in the place of its first part.
    /// - Parameter limits: How far a whole tensor may exceed its parts.
    /// - Returns: The tensors in order.
    /// - Throws: ``UD2MError`` as ``TensorSource/densified(_:name:limits:)``.
    public func densified(limits: Limits = .standard) throws -> [TensorSource] {
        var parts: [TensorName: [TensorSource]] = [:]
        for tensor in self {
            guard let whole = tensor.sparsity?.nameOfWhole(of: tensor.name) else { continue }
            parts[whole, default: []].append(tensor)
        }
        return try compactMap { tensor in
            guard let whole = tensor.sparsity?.nameOfWhole(of: tensor.name) else { return tensor }
            return try parts.removeValue(forKey: whole).map {
                try TensorSource.densified($0, name: whole, limits: limits)
            }
        }
    }
}

extension TensorSource {
    /// The names of the scales and the zero points of the channels.
    fileprivate var channelParameterNames: [TensorName] {
        TensorQuantisation.channelParameters.map { name.appending($0 + (quantisation?.suffix ?? "")) }
    }
}

extension TensorName {
    /// The name of a part of the tensor.
    package func appending(_ component: String) -> TensorName {
        TensorName(bytes: bytes + [UInt8(ascii: ".")] + component.utf8)
    }
}
