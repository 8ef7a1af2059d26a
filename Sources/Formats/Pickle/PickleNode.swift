/// The number of a value in a ``PickleGraph``; values refer to each other by number, so that nothing is ever released
/// recursively (`formats.md` §15.3).
package struct PickleNodeID: Hashable, Sendable {
    /// The index into the graph's values.
    package let raw: Int32

    /// Python's `None`.
    package static let none = PickleNodeID(raw: 0)
    static let newTrue = PickleNodeID(raw: 1)
    static let newFalse = PickleNodeID(raw: 2)
    static let emptyTuple = PickleNodeID(raw: 3)
}

/// A run of bytes of the pickle stream, or of text decoded from it.
package struct PickleSlice: Hashable, Sendable {
    let start: UInt32
    let count: UInt32
}

/// A value that a pickle builds; it knows nothing of PyTorch.
package enum PickleNode: Sendable {
    case none
    case bool(Bool)
    case integer(Int64)
    /// An integer beyond 64 bits: its two's-complement bytes, or its decimal digits.
    case bigInteger(PickleSlice)
    case float(Double)
    /// UTF-8 in which lone surrogates may occur.
    case text(PickleSlice)
    /// A Python-2 `str`.
    case byteString(PickleSlice)
    case bytes(PickleSlice)
    /// A run of the graph's tuple elements.
    case tuple(start: Int32, count: Int32)
    /// The number of a growing list, or -1 while it is empty.
    case list(Int32)
    /// As `list`, with keys and values in turn.
    case dict(Int32)
    case set(Int32)
    case frozenSet(start: Int32, count: Int32)
    /// The number of an interned global.
    case global(Int32)
    /// The number of a ``PickleRecord``.
    case record(Int32)
    /// A persistent id, with the byte offset of its opcode.
    case persistentID(PickleNodeID, offset: UInt32)
}

/// Something Python would call: a callable or class, its arguments, and what was done to the result afterwards.
package struct PickleRecord: Sendable {
    /// The opcode that made it.
    package enum Form: UInt8, Sendable {
        /// REDUCE: any callable.
        case reduce
        /// NEWOBJ or NEWOBJ_EX: a class's `__new__`.
        case newObject
        /// INST or OBJ: a class, called.
        case instance
    }

    /// The opcode that made it.
    package let form: Form
    /// What is called.
    package let callable: PickleNodeID
    /// A tuple of arguments.
    package let arguments: PickleNodeID
    /// A dict of keyword arguments, from NEWOBJ_EX only.
    package let keywords: PickleNodeID
    /// Bytes from the start of the stream to the opcode.
    package let byteOffset: UInt32
    /// The zero-based number of the opcode.
    package let opcodeIndex: UInt32
    /// The growing list of BUILD states, mostly one; -1 for none.
    var states: Int32 = -1
    /// The growing list of appended items.
    var items: Int32 = -1
    /// The growing list of keys and values set.
    var entries: Int32 = -1
}

/// A module and a name that a pickle would import; two are equal when their bytes are.
package struct PickleGlobal: Hashable, Sendable {
    /// The module, Python-2 names turned into Python-3 ones.
    package var module: String
    /// The qualified name.
    package var name: String

    /// Creates a global.
    package init(module: String, name: String) {
        self.module = module
        self.name = name
    }

    /// The two joined by a dot.
    package var qualifiedName: String { module + "." + name }

    package static func == (lhs: PickleGlobal, rhs: PickleGlobal) -> Bool {
        lhs.name.utf8.elementsEqual(rhs.name.utf8) && lhs.module.utf8.elementsEqual(rhs.module.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for var part in [module, name] {
            part.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
            // No text holds this byte.
            hasher.combine(UInt8(0xFF))
        }
    }
}

/// Where a global first occurs in its stream.
package struct PickleGlobalUse: Sendable {
    /// The global.
    package let global: PickleGlobal
    /// Bytes from the start of the stream to the first opcode that names it.
    package let byteOffset: UInt32
    /// The zero-based number of that opcode.
    package let opcodeIndex: UInt32
}
