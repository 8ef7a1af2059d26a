/// A number in JSON, which has no infinity: spelled as text where it is not finite.
struct ReportNumber: Encodable {
    let value: Double

    init(_ value: Double) { self.value = value }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if value.isFinite {
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
