import ArgumentParser
import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Results for the caller. Losing them is an error: a full disk behind `>` must not look like success. A reader that has
/// seen enough (`| head`) ends the tool without a word, as it ends other filters.
enum StandardOutput {
    /// Prints a line.
    /// - Throws: `standard-output` when it cannot be written.
    static func print(_ line: String) throws {
        try write(Data((line + "\n").utf8))
    }

    /// Writes bytes.
    /// - Throws: `standard-output` when they cannot be written, an exit code alone when nobody reads them any more.
    static func write(_ data: Data) throws {
        guard StandardStream.write(data, to: STDOUT_FILENO) else {
            if errno == EPIPE { throw ExitCode(ExitCodes.brokenPipe) }
            throw UD2MError(
                .standardOutput, "Standard output cannot be written: \(String(cString: strerror(errno))).")
        }
    }
}

/// Messages beside the results; where nobody listens they are lost in silence.
enum StandardError {
    /// Prints a line.
    static func print(_ line: String) {
        write(line + "\n")
    }

    /// Writes text as it is.
    static func write(_ text: String) {
        _ = StandardStream.write(Data(text.utf8), to: STDERR_FILENO)
    }
}

/// `write` of the system, which a function of the same name would hide.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

private enum StandardStream {
    /// Writes everything, or tells that it could not. Foundation's file handles would trap.
    static func write(_ data: Data, to descriptor: Int32) -> Bool {
        data.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
                let written = systemWrite(descriptor, rest.baseAddress, rest.count)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { return false }
                done += written
            }
            return true
        }
    }
}

extension UD2MError.Code {
    /// Results cannot be printed.
    static let standardOutput = UD2MError.Code("standard-output", .inputOutput)
}
