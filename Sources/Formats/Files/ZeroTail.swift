/// What a download leaves that was given its full size and not all of its bytes: a file that ends in zeros.
enum ZeroTail {
    /// What to do about it.
    static let remedy = "From some byte on the file is zeros: an incomplete download? Fetch the file again."

    /// Zeros that no pickle or header ends in.
    private static let minimumBytes = 16

    /// Whether bytes end in zeros that begin at `position` or before it.
    static func reaches(_ position: Int, in bytes: UnsafeRawBufferPointer) -> Bool {
        let start = bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
        return bytes.count - start >= minimumBytes && start <= position
    }
}

extension UD2MError {
    /// The error with the hint that the download is incomplete, where nothing else is to be said.
    func hintingAtZeros() -> UD2MError {
        var error = self
        error.remedy = remedy ?? ZeroTail.remedy
        return error
    }
}
