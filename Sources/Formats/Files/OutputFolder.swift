#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The folder that output files go to: created when it is not there, and removed again unless it is kept.
///
/// Safe to share between threads although the compiler cannot see it: `slot` is touched by ``keep()`` and `deinit` only,
/// and ``keep()`` is called by one thread, after a file is in place.
package final class OutputFolder: @unchecked Sendable {
    private let path: String
    /// Whether the folder was created here and is not kept yet.
    private var isProvisional = false
    private var slot: Int?

    /// Makes sure that the folder of a file exists; the folder's own parent must.
    /// - Throws: ``UD2MError`` with code `output-cannot-create`.
    package init(of file: String) throws {
        let name = file.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).last?.count ?? 0
        path = String(decoding: file.utf8.dropLast(name), as: UTF8.self)
        guard !path.isEmpty else { return }
        if mkdir(path, 0o777) == 0 {
            isProvisional = true
            slot = TemporaryFiles.register(path)
            return
        }
        // What stands there, if it is no folder, is reported by whoever writes into it.
        let number = errno
        guard number != EEXIST, access(path, F_OK) != 0 else { return }
        throw UD2MError(
            .outputCannotCreate, "Cannot create the folder: \(systemErrorText(number)).", at: .init(file: path),
            remedy: number == ENOENT ? "Create the folder that it is to be in first." : nil)
    }

    /// Leaves the folder where it is; once is enough.
    package func keep() {
        guard isProvisional else { return }
        isProvisional = false
        TemporaryFiles.release(slot)
    }

    deinit {
        guard isProvisional else { return }
        // Fails where somebody else has put a file into it meanwhile, as it should.
        rmdir(path)
        TemporaryFiles.release(slot)
    }
}
