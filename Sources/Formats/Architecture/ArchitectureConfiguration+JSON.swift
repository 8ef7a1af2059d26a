extension ArchitectureConfiguration {
    /// Reads a configuration and checks every value, so that a network can be built from it without further checks.
    /// - Throws: ``UD2MError`` with code `architecture-invalid`, the field as the location's entry.
    public init(json: JSONValue) throws {
        var fields = try ArchitectureFields(json)
        switch try fields.text("family") {
        case "adm":
            self = .adm(try ADMConfiguration(fields: &fields))
        case "ddpm":
            self = .ddpm(try DDPMConfiguration(fields: &fields))
        case "ram":
            self = .ram(try RAMConfiguration(fields: &fields))
        case "vgg16":
            self = .vgg16(try VGGConfiguration(fields: &fields))
        case "squeezenet":
            self = .squeezeNet(try SqueezeNetConfiguration(fields: &fields))
        case "lpips":
            self = .lpips(try LPIPSConfiguration(fields: &fields))
        case "inception":
            self = .inception(try InceptionConfiguration(fields: &fields))
        case "discriminator":
            self = .discriminator(try DiscriminatorConfiguration(fields: &fields))
        case let family:
            throw fields.error("family", "'\(family.prefix(64))' is not a network family that this version knows.")
        }
        try fields.expectNoOthers()
    }

    /// The configuration as JSON; ``init(json:)`` reads it back.
    public var json: JSONValue {
        switch self {
        case .adm(let configuration): configuration.json
        case .ddpm(let configuration): configuration.json
        case .ram(let configuration): configuration.json
        case .vgg16(let configuration): configuration.json
        case .squeezeNet(let configuration): configuration.json
        case .lpips(let configuration): configuration.json
        case .inception(let configuration): configuration.json
        case .discriminator(let configuration): configuration.json
        }
    }
}

extension ArchitectureConfiguration {
    /// The family's name in JSON, such as `adm`.
    public var family: String {
        switch self {
        case .adm: "adm"
        case .ddpm: "ddpm"
        case .ram: "ram"
        case .vgg16: "vgg16"
        case .squeezeNet: "squeezenet"
        case .lpips: "lpips"
        case .inception: "inception"
        case .discriminator: "discriminator"
        }
    }
}

/// The fields of a configuration object, taken one by one.
struct ArchitectureFields {
    private let object: JSONObject
    private var taken: Set<String> = []

    init(_ json: JSONValue) throws {
        guard case .object(let object) = json else {
            throw UD2MError(.architectureInvalid, "A network's configuration must be an object.")
        }
        self.object = object
    }

    /// An error about a field.
    func error(_ key: String, _ message: String) -> UD2MError {
        UD2MError(.architectureInvalid, "In the network's configuration: \(message)", at: .init(entry: key))
    }

    /// The value of a field that may be missing.
    mutating func optional(_ key: String) -> JSONValue? {
        taken.insert(key)
        return object[key]
    }

    /// Text.
    mutating func text(_ key: String) throws -> String {
        guard case .string(let text)? = optional(key) else { throw error(key, "'\(key)' must be text.") }
        return text
    }

    /// One of an enumeration's words.
    mutating func word<Word: RawRepresentable & CaseIterable>(_ key: String) throws -> Word
    where Word.RawValue == String {
        guard let word = Word(rawValue: try text(key)) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw error(key, "'\(key)' must be one of \(words).")
        }
        return word
    }

    /// A truth value.
    mutating func bool(_ key: String) throws -> Bool {
        guard case .bool(let value)? = optional(key) else { throw error(key, "'\(key)' must be true or false.") }
        return value
    }

    /// A whole number in a range.
    mutating func int(_ key: String, in range: ClosedRange<Int>) throws -> Int {
        guard let value = optional(key)?.int, range.contains(value) else {
            throw error(key, "'\(key)' must be a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return value
    }

    /// A number in a range.
    mutating func number(_ key: String, in range: ClosedRange<Double>) throws -> Double {
        let value: Double? =
            switch optional(key) {
            case .double(let value)?: value
            case .unsigned(let value)?: Double(value)
            default: nil
            }
        guard let value, range.contains(value) else {
            throw error(key, "'\(key)' must be a number from \(range.lowerBound) to \(range.upperBound).")
        }
        return value
    }

    /// A list of whole numbers in a range.
    mutating func ints(_ key: String, in range: ClosedRange<Int>, count: ClosedRange<Int>) throws -> [Int] {
        guard case .array(let elements)? = optional(key), count.contains(elements.count) else {
            throw error(key, "'\(key)' must be a list of \(count.lowerBound) to \(count.upperBound) numbers.")
        }
        return try elements.map { element in
            guard let value = element.int, range.contains(value) else {
                throw error(
                    key, "Each of '\(key)' must be a whole number from \(range.lowerBound) to \(range.upperBound).")
            }
            return value
        }
    }

    /// Refuses fields that nobody took: a misspelled field must not become a default in silence.
    func expectNoOthers() throws {
        for (key, _) in object.members where !taken.contains(key) {
            throw error(String(key.prefix(64)), "the field is unknown.")
        }
    }
}
