#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A number as printf writes it with one conversion of a double, such as "%.2f" or "%.4g".
func numberText(_ format: String, _ value: Double) -> String {
    // The largest number has 309 digits before the point.
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
        buffer.initialize(repeating: 0)
        guard let start = buffer.baseAddress else { return "" }
        _ = withVaList([value]) { vsnprintf(start, buffer.count, format, $0) }
        return String(cString: start)
    }
}
