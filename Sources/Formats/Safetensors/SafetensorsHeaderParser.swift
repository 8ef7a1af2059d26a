/// Reads the header of a safetensors file straight into entries, with no document in between (`formats.md` §8.1).
struct SafetensorsHeaderParser {
    private static let metadataKey = "__metadata__"

    let limits: Limits
    let isStrict: Bool
    /// The file offset that `data_offsets` count from.
    let dataStart: Int

    private(set) var entries: [SafetensorsFile.Entry] = []
    private(set) var metadata: [String: String] = [:]
    private(set) var warnings: [SafetensorsFile.Warning] = []
    private var names: Set<TensorName> = []
    private var hasMetadata = false

    init(limits: Limits, isStrict: Bool, dataStart: Int) {
        self.limits = limits
        self.isStrict = isStrict
        self.dataStart = dataStart
    }

    /// Reads the whole header, trailing whitespace included.
    mutating func parse(_ bytes: UnsafeRawBufferPointer, at location: UD2MError.Location, baseOffset: Int) throws {
        var scanner = JSONScanner(bytes, at: location, baseOffset: baseOffset)
        try scanner.object { scanner, key, offset in
            if key.utf8.elementsEqual(Self.metadataKey.utf8) {
                try self.readMetadata(&scanner, offset: offset)
            } else {
                try self.readEntry(&scanner, name: TensorName(key), offset: offset)
            }
        }
        scanner.skipWhitespace()
        guard scanner.next == nil else {
            throw scanner.error(
                .safetensorsHeaderTrailing, "Only whitespace may follow the header, found \(scanner.describeNext).")
        }
    }

    // MARK: Metadata

    private mutating func readMetadata(_ scanner: inout JSONScanner, offset: Int) throws {
        guard !hasMetadata else {
            throw scanner.error(.safetensorsDuplicateMetadata, "The header has two '__metadata__'.", offset: offset)
        }
        hasMetadata = true
        guard scanner.next == UInt8(ascii: "{") else {
            throw scanner.error(.safetensorsMetadataValue, "'__metadata__' must be an object of texts.")
        }
        try scanner.object { scanner, key, keyOffset in
            guard scanner.next == UInt8(ascii: "\"") else {
                throw scanner.error(.safetensorsMetadataValue, "A metadata value must be text.")
            }
            let value = try scanner.string()
            // Stricter than bytes on purpose: keys that a dictionary of strings cannot tell apart would lose one.
            guard metadata.updateValue(value, forKey: key) == nil else {
                throw scanner.error(
                    .safetensorsDuplicateMetadata, "The metadata have a key twice.", offset: keyOffset)
            }
            guard metadata.count <= limits.tensors else {
                throw scanner.error(
                    .safetensorsLimit, "The metadata have more than \(limits.tensors) pairs.", offset: keyOffset)
            }
        }
    }

    // MARK: Tensors

    /// The fields of one entry as they are found.
    private struct Fields {
        var elementType: ElementType?
        var shape: [Int]?
        var offsets: [Int]?
        var unknown: Set<TensorName> = []
    }

    private mutating func readEntry(_ scanner: inout JSONScanner, name: TensorName, offset: Int) throws {
        let entry: SafetensorsFile.Entry
        do {
            guard name.bytes.count <= limits.nameBytes else {
                throw scanner.error(
                    .safetensorsLimit, "A name has \(name.bytes.count) bytes; at most \(limits.nameBytes) are read.",
                    offset: offset)
            }
            guard names.insert(name).inserted else {
                throw scanner.error(.safetensorsDuplicateTensor, "Two tensors have this name.", offset: offset)
            }
            guard names.count <= limits.tensors else {
                throw scanner.error(
                    .safetensorsLimit, "The file has more than \(limits.tensors) tensors.", offset: offset)
            }
            entry = try makeEntry(name, readFields(&scanner, name: name), scanner: scanner, offset: offset)
        } catch let error as UD2MError {
            // A name beyond the limit is not repeated in the message.
            guard name.bytes.count <= limits.nameBytes else { throw error }
            throw error.located(in: .init(tensor: name.text))
        }
        entries.append(entry)
    }

    private mutating func readFields(_ scanner: inout JSONScanner, name: TensorName) throws -> Fields {
        var fields = Fields()
        try scanner.object { scanner, key, keyOffset in
            let isRepeated: Bool
            switch key {
            case "dtype":
                isRepeated = fields.elementType != nil
                fields.elementType = try elementType(&scanner)
            case "shape":
                isRepeated = fields.shape != nil
                fields.shape = try integers(&scanner, atMost: limits.rank, code: .safetensorsLimit)
            case "data_offsets":
                isRepeated = fields.offsets != nil
                fields.offsets = try integers(&scanner, atMost: 2, code: .safetensorsOffsets)
            default:
                isRepeated = !fields.unknown.insert(TensorName(key)).inserted
                guard !isStrict else {
                    throw scanner.error(
                        .safetensorsUnknownField, "The entry has the unknown field '\(key)'.", offset: keyOffset)
                }
                // The header and the entry are open already.
                _ = try scanner.value(depth: limits.headerDepth - 2)
            }
            guard !isRepeated else {
                throw scanner.error(
                    .safetensorsDuplicateField, "The entry has the field '\(key)' twice.", offset: keyOffset)
            }
        }
        if !fields.unknown.isEmpty {
            let names = fields.unknown.sorted().prefix(4).map(\.description).joined(separator: ", ")
            warnings.append(.init(tensor: name, message: "Unknown fields were ignored: \(names)."))
        }
        return fields
    }

    private func elementType(_ scanner: inout JSONScanner) throws -> ElementType {
        let offset = scanner.offset
        guard scanner.next == UInt8(ascii: "\"") else {
            throw scanner.error(.safetensorsElementType, "'dtype' must be text.")
        }
        let text = try scanner.string()
        guard let type = ElementType(rawValue: text), type != .c128 else {
            throw scanner.error(
                .safetensorsElementType, "'\(text.prefix(32))' is not a safetensors element type.", offset: offset)
        }
        return type
    }

    private func integers(_ scanner: inout JSONScanner, atMost most: Int, code: UD2MError.Code) throws -> [Int] {
        var numbers: [Int] = []
        try scanner.array { scanner in
            let offset = scanner.offset
            let value = try scanner.unsigned()
            guard let number = Int(exactly: value) else {
                throw scanner.error(.safetensorsNumber, "\(value) is larger than any file.", offset: offset)
            }
            guard numbers.count < most else {
                throw scanner.error(code, "At most \(most) numbers are allowed here.", offset: offset)
            }
            numbers.append(number)
        }
        return numbers
    }

    private func makeEntry(
        _ name: TensorName, _ fields: Fields, scanner: JSONScanner, offset: Int
    ) throws -> SafetensorsFile.Entry {
        guard let type = fields.elementType, let shape = fields.shape, let offsets = fields.offsets else {
            throw scanner.error(
                .safetensorsMissingField, "An entry needs 'dtype', 'shape' and 'data_offsets'.", offset: offset)
        }
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw scanner.error(.safetensorsOffsets, "'data_offsets' must be begin ≤ end.", offset: offset)
        }
        let (begin, beginOverflow) = dataStart.addingReportingOverflow(offsets[0])
        let (end, endOverflow) = dataStart.addingReportingOverflow(offsets[1])
        guard !beginOverflow, !endOverflow else {
            throw scanner.error(.safetensorsNumber, "'data_offsets' are larger than any file.", offset: offset)
        }
        guard let bytes = type.byteCount(shape: shape) else {
            if let bits = type.bitCount(shape: shape), bits % 8 != 0 {
                throw scanner.error(
                    .safetensorsPartialByte, "\(bits) bits of \(type.rawValue) are not whole bytes.", offset: offset)
            }
            throw scanner.error(.safetensorsSize, "The shape is larger than any file.", offset: offset)
        }
        guard bytes == end - begin else {
            throw scanner.error(
                .safetensorsSize, "Type and shape need \(bytes) bytes, 'data_offsets' give \(end - begin).",
                offset: offset)
        }
        return .init(name: name, elementType: type, shape: shape, range: begin..<end)
    }
}

extension ElementType {
    /// Bits of a dense tensor, or nil on overflow; sizes are zero or positive.
    fileprivate func bitCount(shape: [Int]) -> Int? {
        var bits = bitWidth
        for size in shape {
            let (product, overflow) = bits.multipliedReportingOverflow(by: size)
            guard !overflow else { return nil }
            bits = product
        }
        return bits
    }
}
