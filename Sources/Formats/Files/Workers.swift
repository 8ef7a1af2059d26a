import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Independent pieces of work spread over a few threads of their own, so that no thread pool of the caller's blocks.
package enum Workers {
    /// The processors that are online, at most `limit`.
    package static func count(limit: Int) -> Int {
        max(1, min(limit, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    }

    /// What the threads share.
    private final class State: Sendable {
        let next = Atomic<Int>(0)
        let failure = Mutex<(any Error)?>(nil)
        let isStopped = Atomic<Bool>(false)

        func fail(_ error: any Error) {
            failure.withLock { $0 = $0 ?? error }
            isStopped.store(true, ordering: .relaxed)
        }
    }

    /// Calls `body` once for each index of `0..<count`, in any order and at the same time, and waits for all.
    ///
    /// The calling thread works too, and only it calls `onCaller`, after each of its pieces. The first error stops the
    /// rest and is thrown.
    /// - Parameters:
    ///   - count: how many pieces there are.
    ///   - threads: threads in all, the calling one included.
    ///   - onCaller: called between pieces on the calling thread, for progress; may throw to stop.
    ///   - body: one piece of work.
    /// - Throws: what a piece or `onCaller` throws.
    package static func run(
        count: Int, threads: Int, onCaller: () throws -> Void = {}, body: @Sendable (_ index: Int) throws -> Void
    ) throws {
        let state = State()
        withoutActuallyEscaping(body) { body in
            let job = Job(count: count, state: state, body: body)
            var started: [pthread_t] = []
            for _ in 1..<max(1, min(threads, count)) {
                // When no thread is to be had, those that exist do the work.
                guard let thread = job.start() else { break }
                started.append(thread)
            }
            while job.step() {
                do {
                    try onCaller()
                } catch {
                    state.fail(error)
                }
            }
            for thread in started { pthread_join(thread, nil) }
        }
        if let error = state.failure.withLock({ $0 }) { throw error }
    }

    /// The work as one thread sees it.
    private final class Job: Sendable {
        let count: Int
        let state: State
        let body: @Sendable (Int) throws -> Void

        init(count: Int, state: State, body: @escaping @Sendable (Int) throws -> Void) {
            self.count = count
            self.state = state
            self.body = body
        }

        /// Does the next piece; false when there is none, or when something failed.
        func step() -> Bool {
            guard !state.isStopped.load(ordering: .relaxed) else { return false }
            let index = state.next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < count else { return false }
            do {
                try body(index)
            } catch {
                state.fail(error)
            }
            return true
        }

        /// Starts a thread that works until nothing is left.
        func start() -> pthread_t? {
            let context = Unmanaged.passRetained(self)
            #if canImport(Darwin)
                var thread: pthread_t?
            #else
                var thread = pthread_t()
            #endif
            let status = pthread_create(
                &thread, nil,
                { context in
                    #if canImport(Darwin)
                        let job = Unmanaged<Job>.fromOpaque(context).takeRetainedValue()
                    #else
                        guard let context else { return nil }
                        let job = Unmanaged<Job>.fromOpaque(context).takeRetainedValue()
                    #endif
                    while job.step() {}
                    return nil
                }, context.toOpaque())
            guard status == 0 else {
                context.release()
                return nil
            }
            return thread
        }
    }
}
