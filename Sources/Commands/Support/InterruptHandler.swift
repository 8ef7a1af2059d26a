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
    /// What SIGBUS prints; never written after ``install(asJSON:)`` and never freed.
    private nonisolated(unsafe) static var notice: ShrunkFileNotice?

    /// Installs the handler; called once, before any work starts.
    /// - Parameter asJSON: Whether errors are printed as JSON.
    static func install(asJSON: Bool) {
        TemporaryFiles.prepare()
        MappedRegions.prepare()
        notice = ShrunkFileNotice(asJSON: asJSON)
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
        var action = sigaction()
        action.sa_flags = SA_SIGINFO
        action.__sigaction_handler.sa_sigaction = { _, information, _ in
            TemporaryFiles.unlinkAll()
            let address = information.map { UInt(bitPattern: $0.pointee._sifields._sigfault.si_addr) }
            InterruptHandler.notice?.print(address: address ?? 0)
            _exit(75)
        }
        sigaction(SIGBUS, &action, nil)
        // A closed pipe gives a write error, which is reported, instead of a silent death.
        signal(SIGPIPE, SIG_IGN)
        // So does a file that grows past the limit of the shell.
        signal(SIGXFSZ, SIG_IGN)
    }
}
