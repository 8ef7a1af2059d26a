/// A number in JSON, which has no infinity: spelled as text where it is not finite.
struct ReportNumber: Encodable {
    let value: Double
    /// The number to the last digit, where it is an integer that a double may round.
    private let integer: Int128?

    init(_ value: Double) { self.init(value, exactly: nil) }

    init(_ value: Double, exactly integer: Int128?) {
        self.value = value
        self.integer = integer
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let integer = integer.flatMap({ Int64(exactly: $0) }) {
            try container.encode(integer)
        } else if let integer = integer.flatMap({ UInt64(exactly: $0) }) {
            try container.encode(integer)
        } else if value.isFinite {
            try container.encode(value)
        } else {
            try container.encode(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
        }
    }

    /// The number, where it is finite.
    var finite: Double? { value.isFinite ? value : nil }

    /// Two decimals, as decibels are given.
    var decimals: String { value.isFinite ? numberText("%.2f", value) : text }

    /// Four significant digits.
    var text: String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-inf" : "inf" }
        return numberText("%.4g", value)
    }
}
