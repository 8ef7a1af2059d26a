import CUD2MKernels
import UD2MFormats

extension SelfTestCase {
    /// The cases of the one list of kernel cases (`Sources/Kernels/cases.c`) that are checked, each as a graph of a few nodes.
    /// - Throws: `graph-invalid` for a graph that makes no sense, which would be a bug.
    package static func listed() throws -> [SelfTestCase] {
        try (0..<ud2m_case_count()).map { ud2m_case_at($0) }
            .filter { [UD2M_CASE_CHECKED, UD2M_CASE_TILES].contains($0.use) }.map { try SelfTestCase(listed: $0) }
    }

    private init(listed item: ud2m_case) throws {
        let name = String(cString: item.name)
        var listed = ListedGraph(name)
        let graph =
            switch item.kind {
            case UD2M_CASE_CONVOLUTION: try listed.convolution(item.convolution.pointee)
            case UD2M_CASE_TRANSPOSED: try listed.transposed(item.transposed.pointee)
            case UD2M_CASE_ATTENTION: try listed.attention(item.attention.pointee)
            case UD2M_CASE_GROUP_NORM: try listed.groupNorm(item.norm.pointee)
            case UD2M_CASE_POOLING: try listed.pooling(item.pooling.pointee)
            default: try listed.linear(item.linear.pointee)
            }
        self.init(name, graph, images: listed.inputs)
        if item.kind == UD2M_CASE_ATTENTION, item.attention.pointee.gain > 1 {
            // Exponents are sums of some hundreds in float32, which the CPU adds up in turn and is not right to 1e-5 itself;
            // rounded to 16 bits they are off by more than can be told from a mistake.
            expected = try listed.exactAttention(item.attention.pointee)
            elements = [.f32]
        }
        if item.kind == UD2M_CASE_GROUP_NORM {
            // Values that differ by less than their size, whose differences bfloat16 hardly holds.
            let isFine = item.norm.pointee.offset != 0 || item.norm.pointee.width <= 2
            slack = isFine ? [.bf16: 2] : [:]
        }
    }
}
