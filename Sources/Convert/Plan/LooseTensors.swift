import UD2MFormats

/// Tensors that no mapping holds under a text key, as state dicts: tools work on lists and single tensors too.
extension Checkpoint {
    /// The name of a tensor that is the whole file, such as an `.npy` array.
    package static let wholeFileName: TensorName = "tensor"

    /// The state dicts of the file, or where it has none, the one that its loose tensors form.
    var allStateDicts: [StateDict] {
        stateDicts.isEmpty ? looseStateDict(at: nil).map { [$0] } ?? [] : stateDicts
    }

    /// The loose tensors below a place of the file, named by their way from there joined with dots.
    /// - Parameter path: The place as a person writes it, such as `"history.0"`; nil for the whole file.
    /// - Returns: A state dict of that place, or nil when no loose tensor is below it.
    func looseStateDict(at path: String?) -> StateDict? {
        var place: [String] = []
        var tensors: [TensorSource] = []
        for tensor in looseTensors {
            guard let depth = path.map({ Self.depth(of: $0, in: tensor.path) }) ?? 0 else { continue }
            if tensors.isEmpty { place = Array(tensor.path.prefix(depth)) }
            guard tensor.path.starts(with: place) else { continue }
            var named = tensor
            let rest = tensor.path.dropFirst(depth)
            named.name = rest.isEmpty ? Self.wholeFileName : TensorName(rest.joined(separator: "."))
            tensors.append(named)
        }
        guard !tensors.isEmpty else { return nil }
        if Set(tensors.map(\.name)).count < tensors.count {
            // A dot inside a component made two ways look alike: then every such dot is escaped.
            for index in tensors.indices {
                let rest = tensors[index].path.dropFirst(place.count)
                if !rest.isEmpty { tensors[index].name = TensorName(rest.map(Self.escaped).joined(separator: ".")) }
            }
        }
        return StateDict(path: place, tensors: tensors)
    }

    /// How many components of `components` make up `path`, or nil when it leads elsewhere.
    private static func depth(of path: String, in components: [String]) -> Int? {
        if path == StateDict(path: [], tensors: []).displayPath { return 0 }
        var joined = ""
        for (index, component) in components.enumerated() {
            joined += (index == 0 ? "" : ".") + component
            if joined == path { return index + 1 }
            if joined.utf8.count > path.utf8.count { return nil }
        }
        return nil
    }

    private static func escaped(_ component: String) -> String {
        component.replacing("\\", with: "\\\\").replacing(".", with: "\\.")
    }
}

extension StateDict {
    /// The path with text keys that look like numbers written as people do: `models.0` for `models.@key:'0'`.
    var unquotedPath: String {
        path.map { part in
            part.hasPrefix("@key:'") && part.hasSuffix("'") ? String(part.dropFirst(6).dropLast()) : part
        }.joined(separator: ".")
    }
}
