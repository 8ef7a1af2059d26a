import CUD2MKernels
import Foundation
import Testing

@Suite("Kernels: thread pool and instruction sets")
struct KernelsPoolTests {
    /// What a loop body may touch: one counter an item, and the largest worker number seen.
    private final class Counters {
        let counts: UnsafeMutablePointer<Int32>
        let workers: UnsafeMutablePointer<Int32>
        let capacity: Int

        init(capacity: Int, threads: Int) {
            self.capacity = capacity
            counts = .allocate(capacity: capacity)
            counts.initialize(repeating: 0, count: capacity)
            workers = .allocate(capacity: threads)
            workers.initialize(repeating: 0, count: threads)
        }

        deinit {
            counts.deallocate()
            workers.deallocate()
        }
    }

    private static let countItem: ud2m_pool_body = { context, index, worker in
        guard let context else { return }
        let counters = Unmanaged<Counters>.fromOpaque(context).takeUnretainedValue()
        counters.counts[Int(index)] += 1
        counters.workers[Int(worker)] += 1
    }

    @Test("every item runs exactly once, on a worker of the pool", arguments: [1, 2, 3, 8])
    func runsEveryItemOnce(_ threads: Int) throws {
        let pool = try KernelPool(threads: threads)
        defer { keep(pool) }
        #expect(ud2m_pool_threads(pool.handle) == threads)
        for count in [0, 1, 2, 7, 1000] {
            for _ in 0..<50 {
                let counters = Counters(capacity: max(count, 1), threads: threads)
                ud2m_pool_run(
                    pool.handle, Int64(count), Self.countItem, Unmanaged.passUnretained(counters).toOpaque())
                #expect((0..<count).allSatisfy { counters.counts[$0] == 1 })
                #expect((0..<threads).reduce(0) { $0 + Int(counters.workers[$1]) } == count)
            }
        }
    }

    private struct SharedPool: @unchecked Sendable {
        // Taking turns on a pool from several threads is what the test is about.
        let pool: KernelPool
    }

    @Test("callers on several threads take turns")
    func callersTakeTurns() async throws {
        let shared = SharedPool(pool: try KernelPool(threads: 3))
        defer { keep(shared.pool) }
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    (0..<100).allSatisfy { _ in
                        let counters = Counters(capacity: 64, threads: 3)
                        ud2m_pool_run(
                            shared.pool.handle, 64, Self.countItem, Unmanaged.passUnretained(counters).toOpaque())
                        return (0..<64).allSatisfy { counters.counts[$0] == 1 }
                    }
                }
            }
            for await correct in group {
                #expect(correct)
            }
        }
    }

    @Test("a null pool is the calling thread")
    func nullPool() {
        #expect(ud2m_pool_threads(nil) == 1)
        #expect(ud2m_pool_isa(nil) == ud2m_isa_default())
        let counters = Counters(capacity: 5, threads: 1)
        ud2m_pool_run(nil, 5, Self.countItem, Unmanaged.passUnretained(counters).toOpaque())
        #expect(counters.workers[0] == 5)
        ud2m_pool_destroy(nil)
    }

    @Test("zero threads means the processors this process may use")
    func defaultThreads() throws {
        let processors = Int(ud2m_available_processors())
        #expect((1...ProcessInfo.processInfo.processorCount).contains(processors))
        // The handle alone does not keep the pool.
        let threads = withExtendedLifetime(try KernelPool(threads: 0)) { Int(ud2m_pool_threads($0.handle)) }
        #expect(threads == processors)
    }

    @Test("a pool takes only tiers the machine runs")
    func selectsTier() throws {
        let pool = try KernelPool(threads: 1)
        defer { keep(pool) }
        #expect(runnableTiers.contains(UD2M_ISA_REFERENCE) && runnableTiers.contains(UD2M_ISA_GENERIC))
        for isa in runnableTiers {
            #expect(ud2m_pool_select_isa(pool.handle, isa))
            #expect(ud2m_pool_isa(pool.handle) == isa)
        }
        let last = ud2m_pool_isa(pool.handle)
        #expect(!ud2m_pool_select_isa(pool.handle, ud2m_isa(rawValue: 77)))
        #expect(ud2m_pool_isa(pool.handle) == last)
        #expect(isaName(UD2M_ISA_AVX512) == "avx512" && isaName(ud2m_isa(rawValue: 77)) == "unknown")
    }
}
