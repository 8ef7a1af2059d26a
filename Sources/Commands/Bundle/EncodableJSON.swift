import UD2MFormats

/// A JSON document as part of a report.
struct EncodableJSON: Encodable {
    let value: JSONValue

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(_ value: JSONValue) { self.value = value }

    func encode(to encoder: any Encoder) throws {
        switch value {
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .bool(let value): try value.encode(to: encoder)
        case .unsigned(let value): try value.encode(to: encoder)
        case .signed(let value): try value.encode(to: encoder)
        case .double(let value): try ReportNumber(value).encode(to: encoder)
        case .string(let value): try value.encode(to: encoder)
        case .array(let items): try items.map { EncodableJSON($0) }.encode(to: encoder)
        case .object(let object):
            var container = encoder.container(keyedBy: Key.self)
            for (key, value) in object.members {
                try container.encode(EncodableJSON(value), forKey: Key(stringValue: key))
            }
        }
    }
}
