import CXXHash

/// An incremental XXH64 with seed 0: finds damage at nearly the speed of memory, but says nothing about intent.
package struct XXHash64: ~Copyable {
    private let state: OpaquePointer

    /// Starts a hash.
    /// - Throws: ``UD2MError`` with code `digest-unavailable` when memory is exhausted.
    package init() throws {
        guard let state = XXH64_createState() else {
            throw UD2MError(.digestUnavailable, "There is no memory for a hash.")
        }
        self.state = state
        XXH64_reset(state, 0)
    }

    deinit { XXH64_freeState(state) }

    /// Starts over.
    package mutating func reset() { XXH64_reset(state, 0) }

    /// Adds bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        XXH64_update(state, bytes.baseAddress, bytes.count)
    }

    /// The hash of the bytes so far: 16 lower-case hexadecimal digits.
    package func text() -> String { Self.text(XXH64_digest(state)) }

    /// The hash of bytes that are all here.
    package static func hash(_ bytes: UnsafeRawBufferPointer) -> String {
        text(value(bytes))
    }

    /// The hash of bytes that are all here, as a number.
    package static func value(_ bytes: UnsafeRawBufferPointer) -> UInt64 { XXH64(bytes.baseAddress, bytes.count, 0) }

    private static func text(_ value: UInt64) -> String {
        withUnsafeBytes(of: value.bigEndian) { Hexadecimal.text($0) }
    }
}
