import ArgumentParser
import Synchronization
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

/// Where long work reports how far it is; calls may come from any thread.
protocol ProgressSink: Sendable {
    /// Reports a fraction of 0…1 of the work called `label`.
    func update(_ fraction: Double, label: String)
    /// Ends the report; the line is cleared.
    func finish()
}

/// The forms of `--progress`.
enum ProgressStyle: String, ExpressibleByArgument, CaseIterable {
    /// A bar on a terminal, nothing elsewhere.
    case auto
    /// A bar that redraws its line.
    case bar
    /// One JSON object a line, for programs.
    case json
    /// Nothing.
    case none

    func sink(isQuiet: Bool) -> any ProgressSink {
        switch self {
        case .auto: !isQuiet && isatty(STDERR_FILENO) == 1 ? ProgressBar() : SilentProgress()
        case .bar: ProgressBar()
        case .json: ProgressLines()
        case .none: SilentProgress()
        }
    }
}

/// Reports nothing.
struct SilentProgress: ProgressSink {
    func update(_ fraction: Double, label: String) {}
    func finish() {}
}

/// Seconds that are left of work that has run for `elapsed`; nil until there is enough to judge by.
private func secondsLeft(_ share: Double, _ elapsed: Duration) -> Double? {
    guard share > 0.02, elapsed.seconds > 0.5, share <= 1 else { return nil }
    return elapsed.seconds / share * (1 - share)
}

/// Writes `{"fraction":0.5,"label":"deblur","secondsLeft":12.5}` lines to standard error.
struct ProgressLines: ProgressSink {
    private struct Event: Encodable {
        let fraction: Double
        let label: String
        let secondsLeft: Double?
    }

    private let start = ContinuousClock.now

    func update(_ fraction: Double, label: String) {
        let event = Event(
            fraction: fraction, label: label, secondsLeft: secondsLeft(fraction, ContinuousClock.now - start))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(event) else { return }
        StandardError.print(String(decoding: data, as: UTF8.self))
    }

    func finish() {}
}

/// Draws a bar with the time left on one line of standard error.
final class ProgressBar: ProgressSink {
    private let start = ContinuousClock.now
    private let lastDraw = Mutex<ContinuousClock.Instant?>(nil)
    private let width = 30

    func update(_ fraction: Double, label: String) {
        let now = ContinuousClock.now
        // Ten frames a second are enough; the last one is always drawn.
        let isDue = lastDraw.withLock { last in
            if let last, now - last < .milliseconds(100), fraction < 1 { return false }
            last = now
            return true
        }
        guard isDue else { return }
        let share = min(max(fraction, 0), 1)
        let filled = Int((Double(width) * share).rounded())
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        write("\r\u{1B}[K\(label) \(bar) \(Int(share * 100)) %\(remaining(share, now - start))")
    }

    func finish() {
        if lastDraw.withLock({ $0 != nil }) { write("\r\u{1B}[K") }
    }

    /// " 12 s left", once there is enough to judge by.
    private func remaining(_ share: Double, _ elapsed: Duration) -> String {
        guard share < 1, let seconds = secondsLeft(share, elapsed) else { return "" }
        return " \(Int(seconds.rounded(.up))) s left"
    }

    private func write(_ text: String) {
        StandardError.write(text)
    }
}
