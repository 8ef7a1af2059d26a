/// Lists of addresses and counts that kernel arguments point to; they live as long as this object.
final class PointerTables {
    private var memory: [UnsafeMutableRawPointer] = []

    deinit {
        for pointer in memory { pointer.deallocate() }
    }

    /// A lasting copy of a list of trivial values.
    func table<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeBufferPointer<Element> {
        let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: max(elements.count, 1))
        _ = buffer.initialize(from: elements)
        if let base = buffer.baseAddress { memory.append(UnsafeMutableRawPointer(base)) }
        return UnsafeBufferPointer(rebasing: buffer[..<elements.count])
    }
}
