import Synchronization
import UD2MFormats

/// Independent work on a few threads.
enum Parallel {
    /// Threads used at most: hashing and statistics are limited by memory beyond a handful.
    static let threads = 8

    /// Applies `body` to every item; results are in the items' order.
    ///
    /// At most `limit` threads and one a processor are used. `finished` is called after each item, by one thread at a time. An error stops the rest and is thrown.
    static func map<Item: Sendable, Result: Sendable>(
        _ items: [Item], limit: Int = threads, finished: @Sendable (_ item: Item) -> Void = { _ in },
        _ body: @Sendable (Item) throws -> Result
    ) throws -> [Result] {
        let results = Mutex([Result?](repeating: nil, count: items.count))
        try Workers.run(count: items.count, threads: Workers.count(limit: limit)) { index in
            let result = try body(items[index])
            results.withLock { results in
                results[index] = result
                finished(items[index])
            }
        }
        return results.withLock { $0.compactMap(\.self) }
    }
}
