import Synchronization
import UD2MFormats

/// The times of a network's operations, summed over runs: give it to ``Network/run(_:taps:adapters:profile:)``.
public final class OperationProfile: Sendable {
    /// Operations of one kind and shape.
    public struct Entry: Sendable, Hashable {
        /// Such as `conv3x3`, `norm` or `attention`.
        public let kind: String
        /// Channels and size, such as "256→512, 64×64".
        public let detail: String
        /// How many ran.
        public fileprivate(set) var count = 0
        /// Their time, all together.
        public fileprivate(set) var seconds = 0.0
        /// Their floating-point operations by the definition, all together; 0 for what is no product.
        public fileprivate(set) var operations = 0.0
    }

    /// By kind and detail.
    private let table = Mutex<[[String]: Entry]>([:])

    /// Starts an empty profile.
    public init() {}

    /// What has run, by time, most first.
    public var entries: [Entry] {
        table.withLock { Array($0.values) }.sorted {
            ($0.seconds, $1.kind, $1.detail) > ($1.seconds, $0.kind, $0.detail)
        }
    }

    /// Does a step's work for some items and adds its time.
    func measure(_ label: StepLabel, items: Int, _ work: () throws -> Void) rethrows {
        let start = ContinuousClock.now
        try work()
        add(label, items: items, seconds: (ContinuousClock.now - start).seconds)
    }

    /// Adds the time of a step's work for some items.
    func add(_ label: StepLabel, items: Int, seconds: Double) {
        table.withLock { table in
            let key = [label.kind, label.detail]
            var entry = table[key] ?? Entry(kind: label.kind, detail: label.detail)
            if !label.isContinuation { entry.count += items }
            entry.seconds += seconds
            entry.operations += label.operations * Double(items)
            table[key] = entry
        }
    }
}
