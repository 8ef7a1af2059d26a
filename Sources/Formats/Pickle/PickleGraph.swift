/// What one pickle stream builds: values that refer to each other by number, cycles included.
package struct PickleGraph: Sendable {
    /// The record that holds the stream.
    package let entry: String
    /// The protocol the stream declares; 0 when it declares none.
    package internal(set) var protocolVersion = 0
    /// The value STOP returned.
    package internal(set) var root = PickleNodeID.none
    /// The first byte after STOP.
    package internal(set) var endOffset = 0
    /// Opcodes executed.
    package internal(set) var opcodeCount = 0
    /// Every value, in the order of making.
    package internal(set) var nodes: [PickleNode]
    /// Everything Python would call, in the order of making.
    package internal(set) var records: [PickleRecord] = []
    /// Every global, once.
    package internal(set) var globals: [PickleGlobalUse] = []
    /// The stream's bytes, then the bytes of decoded text lines.
    var pool: [UInt8]
    /// The elements of all tuples and frozen sets.
    var elements: [PickleNodeID] = []
    /// The elements of lists, dicts and sets that are not empty.
    var growing: [[PickleNodeID]] = []

    init(entry: String, stream: [UInt8]) {
        self.entry = entry
        self.pool = stream
        self.nodes = [.none, .bool(true), .bool(false), .tuple(start: 0, count: 0)]
    }

    /// The value of this number.
    package subscript(id: PickleNodeID) -> PickleNode { nodes[Int(id.raw)] }

    /// The record of this number.
    package func record(_ number: Int32) -> PickleRecord { records[Int(number)] }

    /// The global of this number.
    package func global(_ number: Int32) -> PickleGlobal { globals[Int(number)].global }

    /// The bytes of a slice.
    package func bytes(_ slice: PickleSlice) -> ArraySlice<UInt8> {
        pool[Int(slice.start)..<(Int(slice.start) + Int(slice.count))]
    }

    /// The elements of a tuple, list, set or frozen set, or nil for another kind.
    package func items(_ id: PickleNodeID) -> ArraySlice<PickleNodeID>? {
        switch self[id] {
        case .tuple(let start, let count), .frozenSet(let start, let count):
            elements[Int(start)..<(Int(start) + Int(count))]
        case .list(let number), .set(let number): grown(number)
        default: nil
        }
    }

    /// The arguments of a record.
    package func arguments(_ record: PickleRecord) -> ArraySlice<PickleNodeID> { items(record.arguments) ?? [] }

    /// The states BUILD gave a record, mostly one.
    package func states(_ record: PickleRecord) -> ArraySlice<PickleNodeID> { grown(record.states) }

    /// The items appended to a record.
    package func appendedItems(_ record: PickleRecord) -> ArraySlice<PickleNodeID> { grown(record.items) }

    /// The elements of a growing list.
    func grown(_ number: Int32) -> ArraySlice<PickleNodeID> { number < 0 ? [] : growing[Int(number)][...] }

    /// The text of a text or Python-2 byte-string value, as bytes, or nil for another kind.
    package func textBytes(_ id: PickleNodeID) -> ArraySlice<UInt8>? {
        switch self[id] {
        case .text(let slice), .byteString(let slice): bytes(slice)
        default: nil
        }
    }

    /// The text of a text or Python-2 byte-string value, repaired where it is not UTF-8.
    package func text(_ id: PickleNodeID) -> String? {
        textBytes(id).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether a value is Python's `None`.
    func isNone(_ id: PickleNodeID) -> Bool {
        if case .none = self[id] { return true }
        return false
    }

    /// A true integer: booleans and floats are none.
    package func integer(_ id: PickleNodeID) -> Int? {
        if case .integer(let value) = self[id] { return Int(exactly: value) }
        return nil
    }

    /// The global this value is, or nil.
    package func global(_ id: PickleNodeID) -> PickleGlobal? {
        if case .global(let number) = self[id] { return global(number) }
        return nil
    }
}
