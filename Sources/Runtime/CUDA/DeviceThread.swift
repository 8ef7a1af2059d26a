import Dispatch
import Synchronization
import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One thread of the operating system, on which a context is current: CUDA's state belongs to threads, and those of Swift's
/// tasks change.
final class DeviceThread: Sendable {
    private let worker = Worker()
    /// What the system calls the thread, as it says itself.
    private let identity: Int
    private let open = Atomic(false)

    /// Whether a context was made current here, which must be given back.
    var isOpen: Bool {
        get { open.load(ordering: .acquiring) }
        set { open.store(newValue, ordering: .releasing) }
    }

    /// Starts the thread.
    /// - Throws: `memory-exhausted` when the system does not give one.
    init() throws {
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let context = Unmanaged.passRetained(worker)
        let status = pthread_create(
            &thread, nil,
            { context in
                let context: UnsafeMutableRawPointer? = context
                if let context { Unmanaged<Worker>.fromOpaque(context).takeRetainedValue().work() }
                return nil
            }, context.toOpaque())
        guard status == 0 else {
            context.release()
            throw UD2MError(.memoryExhausted, "The device's thread cannot be started.")
        }
        #if canImport(Darwin)
            if let thread { pthread_detach(thread) }
            identity = thread.map { Int(bitPattern: $0) } ?? 0
        #else
            pthread_detach(thread)
            identity = Int(bitPattern: thread)
        #endif
    }

    deinit { worker.submit(nil) }

    private var isCurrent: Bool { Int(bitPattern: pthread_self()) == identity }

    /// Runs a closure on the thread and waits for it; on the thread itself, at once.
    func run<Value>(_ body: @escaping () throws -> Value) throws -> Value {
        if isCurrent { return try body() }
        let outcome = Outcome<Value>()
        let done = DispatchSemaphore(value: 0)
        worker.submit(
            Job {
                outcome.result = Result { try body() }
                done.signal()
            })
        done.wait()
        guard let result = outcome.result else { throw UD2MError(.graphInvalid, "The device's thread gave no result.") }
        return try result.get()
    }

    /// Runs a closure on the thread after all that was asked for before; on the thread itself, at once, so that memory that
    /// is given back there is free for what follows.
    func later(_ body: @escaping () -> Void) {
        if isCurrent {
            body()
        } else {
            worker.submit(Job(work: body))
        }
    }

    /// Its closure runs on the thread alone; who made it waits for it or is done with what it holds.
    private struct Job: @unchecked Sendable {
        let work: () -> Void

        init(work: @escaping () -> Void) { self.work = work }
    }

    /// Written by the thread, then read by who waited for it.
    private final class Outcome<Value>: @unchecked Sendable {
        var result: Result<Value, any Error>?
    }

    /// Jobs in order; nil ends the thread.
    private final class Worker: Sendable {
        private let jobs = Mutex<[Job?]>([])
        private let count = DispatchSemaphore(value: 0)

        func submit(_ job: Job?) {
            jobs.withLock { $0.append(job) }
            count.signal()
        }

        func work() {
            while true {
                count.wait()
                guard let job = jobs.withLock({ $0.removeFirst() }) else { return }
                job.work()
            }
        }
    }
}
