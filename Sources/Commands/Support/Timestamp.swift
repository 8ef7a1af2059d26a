#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The time as stores record it.
enum Timestamp {
    /// Now, in UTC, to the second: "2026-01-31T12:00:00Z".
    static func now() -> String {
        Date.now.formatted(.iso8601)
    }
}
