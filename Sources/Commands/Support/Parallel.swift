import Dispatch
import Foundation
import Synchronization

/// Independent work on a few threads.
enum Parallel {
    /// Threads used at most: hashing and statistics are limited by memory beyond a handful.
    static let threads = min(ProcessInfo.processInfo.activeProcessorCount, 8)

    private struct State<Result> {
        var next = 0
        var results: [Result?]
        var failure: (index: Int, error: any Error)?
    }

    /// Applies `body` to every item; results are in the items' order.
    /// - Parameter finished: called after each item, from one thread at a time.
    /// - Throws: what `body` throws for the first item that fails; no further ones are begun then.
    static func map<Item: Sendable, Result: Sendable>(
        _ items: [Item], finished: @Sendable (_ item: Item) -> Void = { _ in },
        _ body: @Sendable (Item) throws -> Result
    ) throws -> [Result] {
        let state = Mutex(State<Result>(results: Array(repeating: nil, count: items.count)))
        DispatchQueue.concurrentPerform(iterations: max(1, min(threads, items.count))) { _ in
            while true {
                let index = state.withLock { state -> Int? in
                    guard state.failure == nil, state.next < items.count else { return nil }
                    state.next += 1
                    return state.next - 1
                }
                guard let index else { return }
                do {
                    let result = try body(items[index])
                    state.withLock { state in
                        state.results[index] = result
                        finished(items[index])
                    }
                } catch {
                    state.withLock { state in
                        if state.failure.map({ index < $0.index }) ?? true { state.failure = (index, error) }
                    }
                }
            }
        }
        return try state.withLock { state in
            if let failure = state.failure { throw failure.error }
            return state.results.compactMap { $0 }
        }
    }
}
