import Synchronization
import UD2MFormats

/// Progress of work that runs on several threads, counted in bytes.
///
/// Safe to share although the compiler cannot see it: the sink is called under the lock of `done` only.
final class SharedProgress: @unchecked Sendable {
    private let sink: any ProgressSink
    private let label: String
    private let total: Int
    private let done = Mutex(0)

    /// Starts counting towards `total` bytes.
    init(_ sink: any ProgressSink, total: Int, label: String) {
        self.sink = sink
        self.total = total
        self.label = label
    }

    /// Counts more bytes.
    func add(_ bytes: Int) {
        done.withLock { done in
            done = done.addedOrMaximum(bytes)
            sink.update(Double(done) / Double(max(total, 1)), label: label)
        }
    }
}
