/// Tells whether bytes without any magic number are a pickle (`formats.md` §1).
enum PickleRecognition {
    /// Bytes that are tried; a pickle that goes on behind them is told by its beginning.
    private static let maximumBytes = 1 << 16
    /// Opcodes that a pickle cut short must have run before it counts as one.
    private static let minimumOpcodes = 8

    /// Whether bytes start with a pickle of any protocol, whole or broken off.
    ///
    /// Protocol 2 and later say so in their first byte. Protocols 0 and 1 are told by running: they reach STOP, or break
    /// off after something was named or called, which no text or image does by chance.
    static func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 1 else { return false }
        if bytes[0] == 0x80 { return bytes[1] <= 5 && bytes.count > 2 }
        var budget = PickleBudget(.standard)
        let (graph, error) = PickleMachine.attempt(
            Array(bytes.prefix(maximumBytes)), entry: "", limits: .standard, budget: &budget)
        guard let error else { return true }
        if !graph.records.isEmpty { return true }
        guard (error as? UD2MError)?.code == .pickleTruncated else { return false }
        return graph.opcodeCount >= minimumOpcodes || graph.globals.contains { $0.global.isIdentifier }
    }
}

extension PickleGlobal {
    /// Whether module and name are made of what Python's names are made of.
    fileprivate var isIdentifier: Bool {
        !module.isEmpty && !name.isEmpty
            && qualifiedName.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte)
                    || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
            }
    }
}
