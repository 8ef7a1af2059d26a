import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The values that a setting takes in the inner iterations of a run, from the first of N·K to the last.
public struct IterationSchedule: Sendable, Hashable {
    /// How the values are given.
    public enum Form: Sendable, Hashable {
        /// The same always.
        case constant(Double)
        /// A geometric progression from the first iteration to the last.
        case geometric(from: Double, to: Double)
        /// One value an iteration.
        case each([Double])
    }

    /// How the values are given.
    public let form: Form

    private init(_ form: Form) {
        self.form = form
    }

    /// The same value in every iteration.
    public static func constant(_ value: Double) -> IterationSchedule { IterationSchedule(.constant(value)) }

    /// Values in geometric progression; a single iteration has the first.
    public static func geometric(from first: Double, to last: Double) -> IterationSchedule {
        IterationSchedule(.geometric(from: first, to: last))
    }

    /// One value an iteration, N·K in all: those of the first outer step, then those of the second, …
    public static func each(_ values: [Double]) -> IterationSchedule { IterationSchedule(.each(values)) }

    /// The value in iteration `index` of `count`.
    public func value(_ index: Int, of count: Int) -> Double {
        switch form {
        case .constant(let value): value
        case .geometric(let first, let last):
            count <= 1 ? first : first * pow(last / first, Double(index) / Double(count - 1))
        case .each(let values): values[index]
        }
    }

    /// The first iteration's value.
    public var first: Double {
        switch form {
        case .constant(let value): value
        case .geometric(let first, _): first
        case .each(let values): values.first ?? .nan
        }
    }

    /// Checks the values of `count` iterations.
    /// - Throws: `UD2MError` with code `sampler-configuration` unless all are positive and at most `limit`, and as many as
    ///   there are iterations.
    func validate(_ name: String, count: Int, limit: Double = .greatestFiniteMagnitude) throws {
        let values =
            switch form {
            case .constant(let value): [value]
            case .geometric(let first, let last): [first, last]
            case .each(let values): values
            }
        if case .each = form, values.count != count {
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
