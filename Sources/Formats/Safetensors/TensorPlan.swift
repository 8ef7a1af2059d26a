/// Where every tensor of a file to be written goes: complete before a byte is read.
public struct TensorPlan: Sendable, Hashable {
    /// One tensor.
    public struct Row: Sendable, Hashable {
        /// The name.
        public let name: TensorName
        /// The type in the file.
        public let elementType: ElementType
        /// Sizes, outermost first.
        public let shape: [Int]
        /// Its bytes, counted from the first data byte.
        public let dataRange: Range<Int>
        /// What the elements stand for.
        let interpretation: TensorInterpretation
    }

    /// The tensors in file order.
    public let rows: [Row]
    /// Bytes of data.
    public let dataBytes: Int
    /// The place in the caller's list of each row.
    package let order: [Int]

    /// Orders tensors so that each is aligned (`formats.md` §12.3) and assigns their bytes.
    /// - Throws: ``UD2MError`` with code `store-tensor` for a name or a type that the format cannot hold, a repeated
    ///   name, or sizes beyond any file.
    package init(_ inputs: [TensorInput]) throws {
        let inputs = inputs.map(\.asStorable)
        var names: Set<TensorName> = []
        let sizes = try inputs.map { input -> (name: TensorName, byteCount: Int) in
            func error(_ message: String, remedy: String? = nil) -> UD2MError {
                UD2MError(.storeTensor, message, at: .init(tensor: input.name.text), remedy: remedy)
            }
            guard input.name.isText, input.name != "__metadata__" else {
                throw error(
                    "A safetensors file cannot hold a tensor of this name.", remedy: TensorName.refusedRemedy)
            }
            guard input.name.bytes.count <= Limits.standard.nameBytes, input.shape.count <= Limits.standard.rank else {
                throw error("The name or the shape is longer than readers accept.")
            }
            guard names.insert(input.name).inserted else { throw error("Two tensors have the same name.") }
            guard let count = input.elementType.byteCount(shape: input.shape) else {
                throw error("The sizes of the tensor do not make whole bytes, or more than any file has.")
            }
            return (input.name, count)
        }
        order = inputs.indices.sorted { TensorLayout.precedes(sizes[$0], sizes[$1]) }
        var rows: [Row] = []
        var end = 0
        for index in order {
            let (next, overflow) = end.addingReportingOverflow(sizes[index].byteCount)
            guard !overflow else {
                throw UD2MError(.storeTensor, "The tensors together are larger than any file.")
            }
            let input = inputs[index]
            rows.append(
                .init(
                    name: input.name, elementType: input.elementType, shape: input.shape, dataRange: end..<next,
                    interpretation: input.interpretation))
            end = next
        }
        self.rows = rows
        dataBytes = end
    }

    /// `ud2w.quant`: what the elements of tensors stand for, or nil when all stand for themselves.
    private var interpretations: JSONValue? {
        var object = JSONObject()
        for row in rows {
            if let json = row.interpretation.json { object.append(row.name.text, json) }
        }
        return object.members.isEmpty ? nil : .object(object)
    }

    /// The header with its length, padded with spaces to a multiple of `alignment`.
    /// - Throws: ``UD2MError`` with code `store-tensor` when it is longer than readers accept.
    package func header(metadata: [String: String], alignment: Int) throws -> [UInt8] {
        var text = [UInt8](repeating: 0, count: 8)
        text.append(contentsOf: "{\"__metadata__\":".utf8)
        var object = JSONObject()
        for (key, value) in metadata where key != StoreMetadata.Key.interpretations {
            object.append(key, .string(value))
        }
        if let interpretations {
            object.append(StoreMetadata.Key.interpretations, .string(try interpretations.canonicalText()))
        }
        text.append(contentsOf: try JSONValue.object(object).canonicalText().utf8)
        for row in rows {
            text.append(UInt8(ascii: ","))
            JSONText.append(row.name.text, to: &text)
            let shape = row.shape.map(String.init).joined(separator: ",")
            text.append(
                contentsOf: ":{\"dtype\":\"\(row.elementType.rawValue)\",\"shape\":[\(shape)],\"data_offsets\":".utf8)
            text.append(contentsOf: "[\(row.dataRange.lowerBound),\(row.dataRange.upperBound)]}".utf8)
        }
        text.append(UInt8(ascii: "}"))
        let padded = (text.count + alignment - 1) / alignment * alignment
        text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: padded - text.count))
        guard text.count - 8 <= Limits.standard.headerBytes else {
            throw UD2MError(.storeTensor, "The header takes \(text.count) bytes, more than readers accept.")
        }
        withUnsafeBytes(of: UInt64(text.count - 8).littleEndian) { text.replaceSubrange(0..<8, with: $0) }
        return text
    }
}

extension TensorInput {
    /// The tensor with a type that safetensors has: complex doubles become pairs of doubles, the same bytes
    /// (`formats.md` §12.5).
    package var asStorable: TensorInput {
        guard elementType == .c128 else { return self }
        var copy = self
        copy.elementType = .f64
        copy.shape.append(2)
        copy.interpretation.torchType = TensorInterpretation.complexDouble
        return copy
    }
}
