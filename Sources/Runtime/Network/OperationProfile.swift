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

    /// The steps of one plan, and what they took in all its runs. Sums are made by kind and shape when they are asked for,
    /// so that measuring costs a run next to nothing.
    private struct Record {
        let labels: [StepLabel]
        var items = 0
        var seconds: [Double]
    }

    private let records = Mutex<[Record]>([])

    /// Starts an empty profile.
    public init() {}

    /// What has run, by time, most first.
    public var entries: [Entry] {
        // By kind and detail.
        var table: [[String]: Entry] = [:]
        for record in records.withLock({ $0 }) {
            for (label, seconds) in zip(record.labels, record.seconds) {
                let key = [label.kind, label.detail]
                var entry = table[key] ?? Entry(kind: label.kind, detail: label.detail)
                if !label.isContinuation { entry.count += record.items }
                entry.seconds += seconds
                entry.operations += label.operations * Double(record.items)
                table[key] = entry
            }
        }
        return table.values.sorted {
            ($0.seconds, $1.kind, $1.detail) > ($1.seconds, $0.kind, $0.detail)
        }
    }

    /// The time of all operations together.
    public var seconds: Double { records.withLock { $0.reduce(0) { $0 + $1.seconds.reduce(0, +) } } }

    /// Adds the times of a plan's steps in a run on some items.
    func add(_ seconds: [Double], of labels: [StepLabel], items: Int) {
        records.withLock { records in
            guard let index = records.firstIndex(where: { $0.labels == labels }) else {
                records.append(Record(labels: labels, items: items, seconds: seconds))
                return
            }
            records[index].items += items
            for step in seconds.indices { records[index].seconds[step] += seconds[step] }
        }
    }
}
