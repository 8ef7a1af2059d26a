import CUD2MKernelCases
import CUD2MKernels
import Foundation
import Testing

/// One self-attention to check.
struct AttentionCase: CustomTestStringConvertible {
    let name: String
    let heads: Int
    let headChannels: Int
    let tokens: Int
    let order: ud2m_case_rows
    /// Factor of the queries: large products test the running maximum.
    let gain: Float

    var testDescription: String { name }

    static let shared = sharedCases(ud2m_attention_cases).filter { $0.use == UD2M_CASE_CHECKED }.map(AttentionCase.init)

    init(_ row: ud2m_attention_case) {
        name = String(cString: row.name)
        heads = Int(row.heads)
        headChannels = Int(row.head_channels)
        tokens = Int(row.tokens)
        order = row.rows
        gain = row.gain
    }
}

@Suite("Kernels: attention")
struct KernelsAttentionTests {
    /// Query, key and value rows `[part][head][channel][token]`.
    private func makeValues(_ problem: AttentionCase) -> [Float] {
        var random = KernelRandom(UInt64(problem.tokens))
        let part = problem.heads * problem.headChannels * problem.tokens
        return random.values(part, gain: 2 * problem.gain) + random.values(2 * part, gain: 2)
    }

    private func expected(_ problem: AttentionCase, _ values: [Float]) -> [Double] {
        let (n, t) = (problem.headChannels, problem.tokens)
        let rows = problem.heads * n
        func value(_ part: Int, _ head: Int, _ channel: Int, _ token: Int) -> Double {
            Double(values[((part * rows) + head * n + channel) * t + token])
        }
        var result = [Double](repeating: 0, count: rows * t)
        for head in 0..<problem.heads {
            for query in 0..<t {
                let products = (0..<t).map { key in
                    (0..<n).reduce(0) { $0 + value(0, head, $1, query) * value(1, head, $1, key) }
                        / Double(n).squareRoot()
                }
                let maximum = products.max() ?? 0
                let weights = products.map { exp($0 - maximum) }
                let total = weights.reduce(0, +)
                for channel in 0..<n {
                    let sum = (0..<t).reduce(0) { $0 + weights[$1] * value(2, head, channel, $1) }
                    result[(head * n + channel) * t + query] = sum / total
                }
            }
        }
        return result
    }

    private func run(_ problem: AttentionCase, _ values: [Float], _ pool: KernelPool) throws -> [Float] {
        defer { keep(pool) }
        let (n, t) = (problem.headChannels, problem.tokens)
        let channels = problem.heads * n
        let blocks = Int(ud2m_block_count(Int32(channels)))
        var attention = ud2m_attention()
        let sources: [Int]
        var ordered = values
        switch problem.order {
        case UD2M_CASE_ROWS_LEGACY:
            sources = [3 * channels]
            for head in 0..<problem.heads {
                for part in 0..<3 {
                    for i in 0..<n * t {
                        ordered[(head * 3 + part) * n * t + i] = values[(part * problem.heads + head) * n * t + i]
                    }
                }
            }
            (attention.key_offset, attention.value_offset) = (Int32(n), Int32(2 * n))
            attention.head_stride = Int32(3 * n)
        case UD2M_CASE_ROWS_NEW:
            sources = [3 * channels]
            (attention.key_offset, attention.value_offset) = (Int32(channels), Int32(2 * channels))
            attention.head_stride = Int32(n)
        default:
            sources = [channels, channels, channels]
            (attention.key_offset, attention.value_offset) = (Int32(blocks * 16), Int32(2 * blocks * 16))
            attention.head_stride = Int32(n)
        }
        let input = BlockImage(sources: sources, height: 1, width: t, values: ordered)
        let output = BlockImage(sources: [channels], height: 1, width: t)
        defer { keep(input, output) }
        attention.qkv = UnsafePointer(input.readOnlyBlocks)
        attention.qkv_blocks = Int32(input.blockCount)
        attention.tokens = Int32(t)
        attention.heads = Int32(problem.heads)
        attention.head_channels = Int32(n)
        attention.scale = 1 / Float(n).squareRoot()
        attention.output = UnsafePointer(output.blocks)
        let workspace = Workspace(ud2m_attention_workspace(&attention, ud2m_pool_threads(pool.handle)))
        defer { keep(workspace) }
        try #require(ud2m_attention_run(pool.handle, &attention, workspace.memory) == UD2M_STATUS_OK)
        #expect(workspace.canaryIsIntact)
        #expect(output.paddingIsZero)
        return output.planar
    }

    @Test("every tier computes the definition, for any number of threads", arguments: AttentionCase.shared)
    func matchesDefinition(_ problem: AttentionCase) throws {
        let values = makeValues(problem)
        let reference = expected(problem, values)
        for isa in runnableTiers {
            let alone = try run(problem, values, KernelPool(threads: 1, isa: isa))
            let error = normalisedError(alone, reference)
            #expect(error < UD2M_BOUND_ATTENTION * Double(max(1, problem.gain / 6)), "\(isaName(isa)): \(error)")
            for threads in 2...3 {
                #expect(try run(problem, values, KernelPool(threads: threads, isa: isa)) == alone)
            }
        }
    }

    @Test("offsets outside the blocks are refused")
    func refusesOffsetsOutside() {
        var attention = ud2m_attention()
        attention.qkv_blocks = 3
        attention.tokens = 4
        attention.heads = 1
        attention.head_channels = 16
        attention.key_offset = 16
        attention.value_offset = 33
        #expect(ud2m_attention_workspace(&attention, 1) == 0)
        #expect(ud2m_attention_run(nil, &attention, nil) == UD2M_STATUS_INVALID)
        attention.value_offset = 32
        #expect(ud2m_attention_workspace(&attention, 1) > 0)
    }
}
