/// Judges what a pickle would import and call (`formats.md` §10.1–10.2): one finding for each global and kind of use, at
/// its first occurrence.
struct PickleAudit {
    /// What was found, in the order of first occurrence.
    private(set) var findings: [PickleFinding] = []
    private let graph: PickleGraph
    private let policies: [PickleGlobalPolicy]
    private var called: [Bool]
    private var seen: [FindingKey: (index: Int, uses: Int)] = [:]

    private struct FindingKey: Hashable {
        let global: String
        let message: String
    }

    /// Audits every global, call and state of a graph, reachable or not, and adds what it finds to `findings`.
    /// - Throws: ``UD2MError`` with code `pickle-forbidden-build` when a state names an attribute that changes what an
    ///   object is; `findings` has the rest then.
    static func audit(_ graph: PickleGraph, limits: Limits, into findings: inout [PickleFinding]) throws {
        var audit = PickleAudit(graph)
        for record in graph.records { audit.audit(record) }
        audit.auditUncalled()
        findings += audit.findingsWithCounts()
        var work = GraphWork(entry: graph.entry, limits: limits)
        try audit.checkStates(&work)
    }

    private init(_ graph: PickleGraph) {
        self.graph = graph
        self.policies = graph.globals.map { PickleGlobalPolicy($0.global) }
        self.called = [Bool](repeating: false, count: graph.globals.count)
    }

    private mutating func audit(_ record: PickleRecord) {
        guard case .global(let number) = graph[graph.classOfPersistentID(record.callable)] else {
            let name = calledName(record.callable)
            return add(.dangerous, name, "The result of another call is called.", record)
        }
        called[Int(number)] = true
        let name = graph.global(number).qualifiedName
        switch policies[Int(number)] {
        case .denied:
            add(.dangerous, name, "Called; in Python this could run code.", record)
        case .disguised:
            // Nested classes have dotted names in honest files too, but those are made, not called.
            let severity: PickleFinding.Severity = record.form == .newObject ? .suspicious : .dangerous
            add(severity, name, "Called under a name that may reach something else than it shows.", record)
        case .attributeAccess:
            auditAttributeAccess(record)
        case .partial:
            auditPartial(record)
        case .nestedStream:
            add(.suspicious, name, "Loads a torch stream that is stored inside the pickle.", record)
        case .unknownFunction where record.form != .newObject:
            add(.suspicious, name, "Called under a function's name that is not known to be harmless.", record)
        case .unknown, .unknownFunction:
            add(.note, name, "An object of an unknown class, kept as inert data.", record)
        case .known:
            auditKnown(number, record)
        }
    }

    /// `getattr(X, 'name')` is how enum members and bound methods are pickled; anything odder is a way to reach code.
    private mutating func auditAttributeAccess(_ record: PickleRecord) {
        let arguments = graph.arguments(record)
        guard arguments.count == 2, let target = arguments.first, let last = arguments.last,
            let attribute = graph.textBytes(last), PickleGlobalPolicy.isPlainAttribute(attribute), isHarmless(target)
        else {
            return add(.dangerous, "builtins.getattr", "Reaches into an object in a way honest files do not.", record)
        }
        add(.note, "builtins.getattr", "Names an attribute of a class or object.", record)
    }

    private mutating func auditPartial(_ record: PickleRecord) {
        var targets = Array(graph.arguments(record).prefix(1))
        for state in graph.grown(record.states) {
            if let first = graph.items(state)?.first { targets.append(first) }
        }
        guard targets.allSatisfy(isHarmless) else {
            return add(.dangerous, "functools.partial", "Wraps something that could run code.", record)
        }
        add(.note, "functools.partial", "A function with arguments, kept as inert data.", record)
    }

    private mutating func auditKnown(_ number: Int32, _ record: PickleRecord) {
        let global = graph.global(number)
        let arguments = graph.arguments(record)
        switch PickleConstructor(global) {
        case .reconstructor, .newObject:
            // The class is made in effect, so it is judged as if called.
            guard let first = arguments.first, case .global(let inner) = graph[first] else {
                return add(.dangerous, global.qualifiedName, "Makes an object of something that is no class.", record)
            }
            called[Int(inner)] = true
            let name = graph.global(inner).qualifiedName
            switch policies[Int(inner)] {
            case .known: break
            case .unknown, .unknownFunction:
                add(.note, name, "An object of an unknown class, kept as inert data.", record)
            case .disguised: add(.suspicious, name, "An object of a class with a misleading name.", record)
            default: add(.dangerous, name, "Called; in Python this could run code.", record)
            }
        case .encodedBytes:
            let codec = arguments.dropFirst().first.flatMap(graph.textBytes).map {
                String(decoding: $0.prefix(32), as: UTF8.self)
            }
            let codecs: Set<String> = ["latin1", "latin-1", "iso-8859-1", "utf-8", "utf8", "ascii"]
            guard let codec, codecs.contains(codec.lowercased()) else {
                return add(.dangerous, global.qualifiedName, "Encodes text by a codec honest files do not use.", record)
            }
        default: break
        }
    }

    /// A global that is not denied, or an object made from one.
    private func isHarmless(_ id: PickleNodeID) -> Bool {
        switch graph[id] {
        case .global(let number):
            return Self.inertPolicies.contains(policies[Int(number)])
        case .record(let number):
            guard case .global(let callable) = graph[graph.record(number).callable] else { return false }
            return Self.inertPolicies.contains(policies[Int(callable)])
        default:
            return false
        }
    }

    private static let inertPolicies: Set<PickleGlobalPolicy> = [.known, .unknown, .unknownFunction]

    private func calledName(_ id: PickleNodeID) -> String {
        guard case .record(let number) = graph[id], let global = graph.global(graph.record(number).callable) else {
            return "(no global)"
        }
        return global.qualifiedName + "(…)"
    }

    private mutating func auditUncalled() {
        for (number, use) in graph.globals.enumerated() where !called[number] {
            let message: String
            switch policies[number] {
            case .denied: message = "Named but not called; calling it could run code."
            case .disguised: message = "Named but not called; the name may reach something else than it shows."
            default: continue
            }
            add(
                .suspicious, use.global.qualifiedName, message, byteOffset: Int(use.byteOffset),
                opcodeIndex: Int(use.opcodeIndex), namesDenied: policies[number] == .denied)
        }
    }

    /// Refuses states that would plant behaviour on an object. Every state is looked at once, however many share it.
    private func checkStates(_ work: inout GraphWork) throws {
        var checked = Set<PickleNodeID>()
        for record in graph.records where record.states >= 0 {
            for state in graph.grown(record.states) where checked.insert(state).inserted {
                let tables = graph.items(state).map { $0.count == 2 ? Array($0) : [] } ?? [state]
                for table in tables where table == state || checked.insert(table).inserted {
                    try work.charge(graph.mappingCost(table))
                    for (key, _) in graph.mapping(table) ?? [] {
                        guard let name = graph.textBytes(key), name.count <= 16,
                            Self.forbiddenAttributes.contains(String(decoding: name, as: UTF8.self))
                        else { continue }
                        throw UD2MError(
                            .pickleForbiddenBuild,
                            "A state sets \(String(decoding: name, as: UTF8.self)), which changes what the object is.",
                            at: .init(
                                entry: graph.entry, byteOffset: Int(record.byteOffset),
                                opcodeIndex: Int(record.opcodeIndex)))
                    }
                }
            }
        }
    }

    private static let forbiddenAttributes: Set<String> = [
        "__setstate__", "__reduce__", "__reduce_ex__", "__class__", "__init__",
    ]

    private mutating func add(
        _ severity: PickleFinding.Severity, _ global: String, _ message: String, _ record: PickleRecord
    ) {
        add(
            severity, global, message, byteOffset: Int(record.byteOffset), opcodeIndex: Int(record.opcodeIndex))
    }

    private mutating func add(
        _ severity: PickleFinding.Severity, _ global: String, _ message: String, byteOffset: Int, opcodeIndex: Int,
        namesDenied: Bool = false
    ) {
        let key = FindingKey(global: global, message: message)
        if let known = seen[key] {
            seen[key] = (known.index, known.uses + 1)
            return
        }
        seen[key] = (findings.count, 1)
        findings.append(
            PickleFinding(
                severity: severity, global: global, message: message, entry: graph.entry, byteOffset: byteOffset,
                opcodeIndex: opcodeIndex, namesDenied: namesDenied))
    }

    private func findingsWithCounts() -> [PickleFinding] {
        var counted = findings
        for (_, value) in seen where value.uses > 1 { counted[value.index].message += " (\(value.uses) uses)" }
        return counted
    }
}
