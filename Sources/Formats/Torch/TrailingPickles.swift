/// Looks at what follows a pickle's STOP, where PyTorch never looks (`formats.md` §10.1).
enum TrailingPickles {
    /// One finding for the trailing bytes, and the findings of every pickle among them.
    static func findings(
        after graph: PickleGraph, stream: [UInt8], limits: Limits, budget: inout PickleBudget
    ) -> [PickleFinding] {
        guard graph.endOffset < stream.count else { return [] }
        var findings = [
            PickleFinding(
                severity: .suspicious, global: "",
                message: "\(stream.count - graph.endOffset) bytes follow the pickle.",
                entry: graph.entry, byteOffset: graph.endOffset, opcodeIndex: graph.opcodeCount)
        ]
        findings += scan(stream, from: graph.endOffset, entry: graph.entry, limits: limits, budget: &budget)
        return findings
    }

    /// The findings of consecutive pickles, up to the first bytes that are none.
    static func scan(
        _ stream: [UInt8], from start: Int, entry: String, limits: Limits, budget: inout PickleBudget,
        maximumCount: Int = 16
    ) -> [PickleFinding] {
        var findings: [PickleFinding] = []
        var start = start
        for _ in 0..<maximumCount where start < stream.count {
            // Bytes that are no pickle end the scan; they are reported as trailing bytes already.
            guard
                let graph = try? PickleMachine.run(stream, from: start, entry: entry, limits: limits, budget: &budget),
                case .some = try? PickleAudit.audit(graph, limits: limits, into: &findings)
            else { break }
            start = graph.endOffset
        }
        return findings
    }
}
