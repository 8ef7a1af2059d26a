/// What the pickles of one container come to.
struct TorchContents {
    /// Mappings with tensors, in file order.
    var stateDicts: [StateDict] = []
    /// Tensors that no mapping holds under a text key.
    var looseTensors: [TensorSource] = []
    /// Tensors that cannot be delivered.
    var skipped: [SkippedTensor] = []
    /// What the pickles would import and call.
    var findings: [PickleFinding] = []
    /// Oddities as sentences.
    var remarks: [String] = []

    /// Adds everything of `other`, which lies at `prefix`.
    mutating func append(_ other: TorchContents, under prefix: [String] = []) {
        stateDicts += other.stateDicts.map { stateDict in
            StateDict(path: prefix + stateDict.path, tensors: stateDict.tensors.map { $0.moved(under: prefix) })
        }
        looseTensors += other.looseTensors.map { tensor in
            var tensor = tensor.moved(under: prefix)
            tensor.name = TensorName((prefix + [tensor.name.text]).filter { !$0.isEmpty }.joined(separator: "."))
            return tensor
        }
        skipped += other.skipped.map { SkippedTensor(path: prefix + $0.path, reason: $0.reason) }
        findings += other.findings
        remarks += other.remarks
    }

    /// The contents as a checkpoint.
    func checkpoint(path: String, container: ContainerKind, fileSize: Int) -> Checkpoint {
        Checkpoint(
            path: path, container: container, fileSize: fileSize, stateDicts: stateDicts, looseTensors: looseTensors,
            skipped: skipped, findings: findings, remarks: remarks)
    }
}

extension TensorSource {
    /// The tensor of a container that lies at `prefix` in another; its name stays.
    func moved(under prefix: [String]) -> TensorSource {
        var copy = self
        copy.path = prefix + path
        return copy
    }
}

/// Reads the pickles of one file within one budget: runs them, judges what they would call, and finds their tensors.
struct TorchPickleReader {
    let limits: Limits
    var budget: PickleBudget
    /// Everything found so far.
    var contents = TorchContents()

    init(limits: Limits) {
        self.limits = limits
        self.budget = PickleBudget(limits)
    }

    /// Reads a container.
    /// - Throws: What `body` throws, with what was found in the pickles before.
    static func contents(
        limits: Limits, _ body: (inout TorchPickleReader) throws -> Void
    ) throws -> TorchContents {
        var reader = TorchPickleReader(limits: limits)
        do {
            try body(&reader)
        } catch var error as UD2MError {
            error.findings = reader.contents.findings
            throw error
        }
        return reader.contents
    }

    /// Runs a pickle that should fill `stream`, and judges it, what follows it and what is nested in it.
    /// - Throws: ``UD2MError`` with a `pickle-…` code; what the pickle did before is judged all the same.
    mutating func run(_ stream: [UInt8], entry: String, allowsTextPersistentIDs: Bool = false) throws -> PickleGraph {
        let (graph, error) = PickleMachine.attempt(
            stream, entry: entry, limits: limits, budget: &budget, allowsTextPersistentIDs: allowsTextPersistentIDs)
        if let error { throw judged(error, graph) }
        try judge(graph)
        contents.findings += TrailingPickles.findings(after: graph, stream: stream, limits: limits, budget: &budget)
        return graph
    }

    /// Adds a finding about bytes that PyTorch never looks at, and those of every pickle among them.
    mutating func judgeUnread(_ stream: [UInt8], entry: String, offset: Int, message: String) {
        contents.findings.append(
            PickleFinding(
                severity: .suspicious, global: "", message: message, entry: entry, byteOffset: offset, opcodeIndex: 0))
        contents.findings += TrailingPickles.scan(stream, from: 0, entry: entry, limits: limits, budget: &budget)
    }

    /// Adds the findings of a pickle and of the streams nested in it.
    mutating func judge(_ graph: PickleGraph) throws {
        try PickleAudit.audit(graph, limits: limits, into: &contents.findings)
        try NestedStreams.audit(graph, limits: limits, budget: &budget, into: &contents.findings)
    }

    /// Judges a pickle up to where `error` stopped it, and gives that error.
    private mutating func judged(_ error: any Error, _ graph: PickleGraph) -> any Error {
        // A second error on the way is worth less than the first.
        try? judge(graph)
        return error
    }

    /// Adds the tensors of a pickle whose storages are known.
    mutating func describe(_ graph: PickleGraph, storages: TorchStorageTable, under prefix: [String] = []) throws {
        let reader = TorchTensorReader(graph: graph, storages: storages, limits: limits)
        var walker = TorchWalker(graph: graph, reader: reader, limits: limits)
        try walker.walk()
        var found = TorchContents()
        found.stateDicts = walker.stateDicts
        found.looseTensors = walker.looseTensors
        found.skipped = walker.skipped
        contents.append(found, under: prefix)
    }

    /// Runs a pickle that starts at `offset` of `bytes` and may end anywhere.
    ///
    /// The window doubles until the pickle fits, so that a small pickle before gigabytes of data costs little.
    /// - Returns: The values, offsets counted from the pickle's start.
    /// - Throws: ``UD2MError`` with a `pickle-…` code.
    mutating func run(
        in bytes: UnsafeRawBufferPointer, at offset: Int, entry: String, allowsTextPersistentIDs: Bool = false
    ) throws -> PickleGraph {
        var count = 512
        while true {
            let end = min(bytes.count, offset + min(count, limits.pickleBytes))
            let isWhole = end == bytes.count || count >= limits.pickleBytes
            var budget = budget
            let (graph, error) = PickleMachine.attempt(
                Array(bytes[min(offset, end)..<end]), entry: entry, limits: limits, budget: &budget,
                allowsTextPersistentIDs: allowsTextPersistentIDs)
            if (error as? UD2MError)?.code == .pickleTruncated, !isWhole {
                count *= 2
                continue
            }
            self.budget = budget
            if let error { throw judged(error, graph) }
            return graph
        }
    }
}
