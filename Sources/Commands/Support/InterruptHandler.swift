import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Ends the process on SIGINT, SIGTERM, SIGHUP, SIGXCPU and SIGBUS without leaving temporary files.
enum InterruptHandler {
    /// Installs the handler; called once, before any work starts.
    static func install() {
        TemporaryFiles.prepare()
        // A parent that blocks signals in the thread that starts us, as dispatch queues do, would pass that on.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        sigprocmask(SIG_UNBLOCK, &signals, nil)
        for number in [SIGINT, SIGTERM, SIGHUP, SIGXCPU] {
            signal(number) { number in
                // Only async-signal-safe calls here.
                TemporaryFiles.unlinkAll()
                _exit(number == SIGINT ? 130 : 75)
            }
        }
        // Reading a mapped file that another process cut short raises SIGBUS; no error can be thrown from there.
        signal(SIGBUS) { _ in
            TemporaryFiles.unlinkAll()
            InterruptHandler.fileShrankMessage.withUTF8Buffer { text in
                _ = write(STDERR_FILENO, text.baseAddress, text.count)
            }
            _exit(75)
        }
        // A closed pipe gives a write error, which is reported, instead of a silent death.
        signal(SIGPIPE, SIG_IGN)
        // So does a file that grows past the limit of the shell.
        signal(SIGXFSZ, SIG_IGN)
    }

    /// What SIGBUS means here; a static string, because the handler may not allocate.
    private static let fileShrankMessage: StaticString =
        "error: a file was cut short by another process while it was being read. Try again when it is complete. [file-changed]\n"
}
