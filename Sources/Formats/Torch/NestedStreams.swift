/// Scans the torch streams that `torch.storage._load_from_bytes` finds inside a pickle (`formats.md` §10.1).
enum NestedStreams {
    /// Adds the findings of every nested stream, and of streams nested in those, within the shared budget.
    /// - Throws: ``UD2MError`` with code `pickle-limit` when streams nest deeper than the limit.
    static func audit(
        _ graph: PickleGraph, limits: Limits, budget: inout PickleBudget, into findings: inout [PickleFinding]
    ) throws {
        var level = [graph]
        var depth = 0
        var work = GraphWork(entry: graph.entry, limits: limits)
        while !level.isEmpty {
            var inner: [PickleGraph] = []
            for graph in level {
                for record in graph.records {
                    guard let stream = try nestedStream(record, in: graph, work: &work) else { continue }
                    guard depth < limits.nestedPickleDepth else {
                        throw UD2MError(
                            .pickleLimit, "Torch streams nest deeper than \(limits.nestedPickleDepth) levels.",
                            at: .init(
                                entry: graph.entry, byteOffset: Int(record.byteOffset),
                                opcodeIndex: Int(record.opcodeIndex)))
                    }
                    let entry = "\(graph.entry)@\(record.byteOffset)"
                    let graphs = pickles(in: stream, entry: entry, limits: limits, budget: &budget)
                    for graph in graphs { try PickleAudit.audit(graph, limits: limits, into: &findings) }
                    inner += graphs
                }
            }
            level = inner
            depth += 1
        }
    }

    /// A legacy stream is five pickles, then raw data. One that breaks off counts as far as Python would run it.
    private static func pickles(
        in stream: [UInt8], entry: String, limits: Limits, budget: inout PickleBudget
    ) -> [PickleGraph] {
        var graphs: [PickleGraph] = []
        var start = 0
        while graphs.count < 5, start < stream.count {
            let outcome = PickleMachine.attempt(stream, from: start, entry: entry, limits: limits, budget: &budget)
            graphs.append(outcome.graph)
            if outcome.error != nil { break }
            start = outcome.graph.endOffset
        }
        return graphs
    }

    private static func nestedStream(
        _ record: PickleRecord, in graph: PickleGraph, work: inout GraphWork
    ) throws -> [UInt8]? {
        guard graph.global(record.callable) == PickleGlobal(module: "torch.storage", name: "_load_from_bytes"),
            let argument = graph.arguments(record).first
        else { return nil }
        switch graph[argument] {
        case .bytes(let slice), .byteString(let slice):
            try work.charge(Int(slice.count))
            return Array(graph.bytes(slice))
        case .record(let number):
            // Protocol 2 writes bytes as text in which each scalar is a byte.
            let inner = graph.record(number)
            guard let codec = graph.global(inner.callable), case .encodedBytes = PickleConstructor(codec),
                let text = graph.arguments(inner).first.flatMap(graph.textBytes)
            else { return nil }
            try work.charge(text.count)
            return String(decoding: text, as: UTF8.self).unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        default:
            return nil
        }
    }
}
