extension TensorInterpretation {
    /// The interpretation as a member of `ud2w.quant`, or nil when there is nothing to say.
    var json: JSONValue? {
        var object = JSONObject()
        if let sparsity {
            object["kind"] = "sparse"
            object["layout"] = .string(sparsity.layout)
            object["part"] = .string(sparsity.part)
            object["shape"] = .array(sparsity.shape.map { JSONValue($0) })
        } else if let quantisation {
            object["kind"] = "quantised"
            object["scheme"] = .string(quantisation.scheme)
            object["scale"] = quantisation.scale.map { .double($0) }
            object["zero_point"] = quantisation.zeroPoint.map { JSONValue($0) }
            object["axis"] = quantisation.axis.map { JSONValue($0) }
            object["suffix"] = quantisation.suffix.isEmpty ? nil : .string(quantisation.suffix)
            object["shape"] = quantisation.packedShape.map { .array($0.map { JSONValue($0) }) }
        } else if torchType != nil {
            object["kind"] = "torch"
        } else {
            return nil
        }
        object["dtype"] = torchType.map { .string($0) }
        return .object(object)
    }

    /// Reads a member of `ud2w.quant` for a tensor of the given type and shape.
    ///
    /// Nil when it is malformed or does not fit the tensor.
    init?(json: JSONValue, elementType: ElementType, shape: [Int]) {
        guard case .object(let object) = json, case .string(let kind)? = object["kind"] else { return nil }
        self.init()
        var members: Set<String> = ["kind"]
        if let dtype = object["dtype"] {
            guard case .string(let name) = dtype,
                TorchElementType.named(name)?.elementType == elementType
                    || (name == Self.complexDouble && kind == "torch" && elementType == .f64 && shape.last == 2)
            else { return nil }
            torchType = name
            members.insert("dtype")
        }
        switch kind {
        case "torch":
            guard torchType != nil else { return nil }
        case "quantised":
            guard torchType != nil, let quantisation = TensorQuantisation(object) else { return nil }
            self.quantisation = quantisation
            members.formUnion(["scheme", "scale", "zero_point", "axis", "shape", "suffix"])
        case "sparse":
            guard let sparsity = TensorSparsity(object) else { return nil }
            self.sparsity = sparsity
            members.formUnion(["layout", "part", "shape"])
        default: return nil
        }
        guard object.members.allSatisfy({ members.contains($0.key) }) else { return nil }
    }
}

extension TensorQuantisation {
    fileprivate init?(_ object: JSONObject) {
        guard case .string(let scheme)? = object["scheme"], scheme.utf8.count <= 64 else { return nil }
        self.init(scheme: scheme)
        if let value = object["scale"] {
            guard let number = value.number, number.isFinite, let zero = object["zero_point"]?.int else { return nil }
            scale = number
            zeroPoint = zero
        }
        if let value = object["axis"] {
            // A packed tensor is flat, so its axis says nothing about its own shape.
            guard let number = value.int, number >= 0, number < Limits.standard.rank else { return nil }
            axis = number
        }
        if let value = object["shape"] {
            guard let sizes = value.sizes else { return nil }
            packedShape = sizes
        }
        if let value = object["suffix"] {
            guard case .string(let text) = value, text.utf8.count <= Limits.standard.nameBytes,
                text.utf8.allSatisfy({ $0 == UInt8(ascii: "_") })
            else { return nil }
            suffix = text
        }
        guard (scale == nil) != (axis == nil), (scale == nil) == (object["zero_point"] == nil) else { return nil }
    }
}

extension TensorSparsity {
    fileprivate init?(_ object: JSONObject) {
        guard case .string(let layout)? = object["layout"], case .string(let part)? = object["part"],
            SparseTensorCheck.partNames[layout]?.contains(part) == true, let shape = object["shape"]?.sizes
        else { return nil }
        self.init(layout: layout, shape: shape, part: part)
    }
}

extension JSONValue {
    /// The sizes of a tensor, outermost first.
    fileprivate var sizes: [Int]? {
        guard case .array(let elements) = self, elements.count <= Limits.standard.rank else { return nil }
        let sizes = elements.compactMap(\.int).filter { $0 >= 0 }
        return sizes.count == elements.count ? sizes : nil
    }
}
