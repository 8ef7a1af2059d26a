import UD2MFormats

/// Calls `body` with the input as a file; a typed error is a correct answer, any other end is a finding.
public func runOnFile(_ bytes: UnsafeRawBufferPointer, _ body: (String) throws -> Void) -> CInt {
    sharedFile.replace(with: bytes)
    return run { try body(sharedFile.path) }
}

/// Calls `body`; a typed error is a correct answer, any other end is a finding.
public func run(_ body: () throws -> Void) -> CInt {
    do {
        try body()
    } catch let error as UD2MError {
        // Messages are made from the file's bytes as well.
        precondition(!error.description.isEmpty)
    } catch {
        fatalError("not a typed error: \(error)")
    }
    return 0
}

/// One is enough: libFuzzer calls targets from one thread.
private let sharedFile = FuzzFile()
