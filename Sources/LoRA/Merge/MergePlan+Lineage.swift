import UD2MFormats

extension MergePlan {
    /// What a file records of the merge: one step of `ud2w.lineage`.
    /// - Parameters:
    ///   - operation: `merge` or `unmerge`.
    ///   - base: The content id of the base, where it has one.
    /// - Returns: The step.
    /// - Throws: what reading the adapters throws, for their identities.
    public func lineage(operation: String, base: String?) throws -> JSONValue {
        var step = JSONObject()
        step["op"] = .string(operation)
        step["base"] = base.map { .string($0) }
        step["arithmetic"] = .string(arithmetic.rawValue)
        step["adapters"] = .array(
            try adapters.map { item in
                let adapter = item.binding.adapter
                var record = JSONObject()
                // The last component only: a store must not tell where its maker keeps files.
                record["file"] = .string(adapter.path.split(separator: "/").last.map(String.init) ?? "")
                record["content"] = .string(try adapter.contentID())
                record["convention"] = .string(adapter.convention.rawValue)
                record["strength"] = .double(item.strength)
                record["targets"] = JSONValue(item.binding.pairs.count)
                return .object(record)
            })
        return .object(step)
    }
}

extension Adapter {
    /// The identity of the adapter's tensors, as a weight store of them would have it.
    /// - Throws: what reading throws.
    public func contentID() throws -> String {
        var seen: Set<TensorName> = []
        let lines = try tensors.filter { seen.insert($0.name).inserted }.map { tensor in
            var hash = try SHA256()
            try tensor.stream(as: tensor.elementType) { try hash.update($0) }
            return ContentID.Line(
                name: tensor.name, elementType: tensor.elementType, shape: tensor.shape, sha256: try hash.finish())
        }
        return try ContentID.compute(lines)
    }
}
