import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The values that a setting takes in the inner iterations of a run, from the first of N·K to the last.
public enum IterationSchedule: Sendable, Hashable {
    /// The same value in every iteration.
    case constant(Double)
    /// A geometric progression from the first iteration to the last; a single iteration has the first value.
    case geometric(from: Double, to: Double)
    /// One value an iteration, N·K in all: those of the first outer step, then those of the second, …
    case each([Double])

    /// The value in iteration `index` of `count`.
    public func value(_ index: Int, of count: Int) -> Double {
        switch self {
        case .constant(let value): value
        case .geometric(let first, let last):
            count <= 1 ? first : first * pow(last / first, Double(index) / Double(count - 1))
        case .each(let values): values[index]
        }
    }

    /// Checks the values of `count` iterations.
    /// - Throws: `UD2MError` with code `sampler-configuration` unless all are positive and at most `limit`, and as many as
    ///   there are iterations.
    func validate(_ name: String, count: Int, limit: Double = .greatestFiniteMagnitude) throws {
        let values =
            switch self {
            case .constant(let value): [value]
            case .geometric(let first, let last): [first, last]
            case .each(let values): values
            }
        if case .each = self, values.count != count {
            throw UD2MError(
                .samplerConfiguration, "\(name) has \(values.count) values for \(count) iterations, N·K.")
        }
        guard let wrong = values.first(where: { !($0 > 0 && $0 <= limit) }) else { return }
        let most = limit == .greatestFiniteMagnitude ? "finite" : "at most \(Int(limit))"
        throw UD2MError(.samplerConfiguration, "\(name) must be positive and \(most), not \(wrong).")
    }
}

extension IterationSchedule: ExpressibleByFloatLiteral {
    /// The same value in every iteration.
    public init(floatLiteral value: Double) {
        self = .constant(value)
    }
}

extension IterationSchedule: ExpressibleByIntegerLiteral {
    /// The same value in every iteration.
    public init(integerLiteral value: Int) {
        self = .constant(Double(value))
    }
}
