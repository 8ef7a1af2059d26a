import ArgumentParser
import UD2MConvert
import UD2MFormats

/// Flags of every command that can change element types.
struct CastFlags: ParsableArguments {
    /// The types of `--dtype`.
    enum ElementTypeName: String, ExpressibleByArgument, CaseIterable {
        case f32
        case f16
        case bf16

        var elementType: ElementType {
            switch self {
            case .f32: .f32
            case .f16: .f16
            case .bf16: .bf16
            }
        }
    }

    /// `REGEX=TYPE`.
    struct Rule {
        let pattern: String
        let elementType: ElementType

        /// Reads the value of an option.
        /// - Throws: What is accepted, for anything else.
        static func parse(_ argument: String) throws -> Rule {
            let types = ElementTypeName.allCases.map(\.rawValue).joined(separator: ", ")
            // The last sign separates: patterns may hold others.
            guard let sign = argument.lastIndex(of: "=") else {
                throw ValidationError("expected regex=type; types are \(types).")
            }
            let name = String(argument[argument.index(after: sign)...])
            guard let type = ElementTypeName(rawValue: name) else {
                throw ValidationError("there is no type '\(name)' to convert to; there are \(types).")
            }
            return Rule(pattern: String(argument[..<sign]), elementType: type.elementType)
        }
    }

    @Option(
        help: ArgumentHelp(
            "Type of all floating-point tensors: f32, f16 or bf16; rounded to nearest, ties to even.",
            valueName: "type"))
    var dtype: ElementTypeName?

    @Option(
        name: .customLong("rule"),
        help: ArgumentHelp(
            "Type of floating-point tensors whose name the regular expression is found in; the first rule that fits "
                + "counts. May be repeated.", valueName: "regex=type"),
        transform: Rule.parse)
    var rules: [Rule] = []

    /// The flags as the converter takes them.
    func makeRules() throws -> CastRules {
        try CastRules(
            standard: dtype?.elementType,
            rules: rules.map { (pattern: $0.pattern, elementType: $0.elementType) })
    }
}

/// What a conversion of element types could not keep, as reports give it.
struct LossReport: Encodable {
    let name: String
    /// Finite numbers that became infinite.
    let overflows: Int
    /// Booleans other than 0 and 1 that became 1.
    let normalizedBooleans: Int
}

extension ConversionLedger {
    /// The entries as reports give them.
    var reports: [LossReport] {
        entries.map {
            LossReport(
                name: $0.name.text, overflows: $0.loss.overflows, normalizedBooleans: $0.loss.normalizedBooleans)
        }
    }
}

extension [LossReport] {
    /// Says on standard error what was lost.
    func warn() {
        let overflowing = filter { $0.overflows > 0 }
        for loss in overflowing.prefix(20) {
            StandardError.print(
                "warning: \(ByteText.grouped(loss.overflows)) numbers of \(loss.name.escapedForDisplay) are too large "
                    + "for its type and became infinite")
        }
        if overflowing.count > 20 {
            StandardError.print("warning: and \(overflowing.count - 20) further tensors have such numbers")
        }
        let booleans = filter { $0.normalizedBooleans > 0 }
        if let first = booleans.first {
            StandardError.print(
                "warning: \(booleans.count) boolean tensors held other bytes than 0 and 1, which became 1; first "
                    + first.name.escapedForDisplay)
        }
    }
}
