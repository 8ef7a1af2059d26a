import Foundation
import UD2MFormats

/// Ends the process on SIGINT and SIGTERM without leaving temporary files.
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
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                // Only async-signal-safe calls here.
                TemporaryFiles.unlinkAll()
                _exit(number == SIGINT ? 130 : 75)
            }
        }
        // A closed pipe gives a write error, which is reported, instead of a silent death.
        signal(SIGPIPE, SIG_IGN)
    }
}
