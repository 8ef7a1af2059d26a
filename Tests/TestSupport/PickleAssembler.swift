import UD2MFormats

/// Writes pickles opcode by opcode; nothing checks that they make sense.
public final class PickleAssembler {
    /// The bytes so far.
    public private(set) var bytes: [UInt8] = []
    /// The opcodes written so far.
    package private(set) var opcodes: Set<PickleOpcode> = []

    /// Starts a pickle, with PROTO unless `version` is nil.
    public init(protocol version: UInt8? = 2) {
        if let version { op(.proto, [version]) }
    }

    /// The pickle with STOP.
    public var stopped: [UInt8] { bytes + [PickleOpcode.stop.rawValue] }

    /// Bytes written.
    public var count: Int { bytes.count }

    /// Adds an opcode with its argument's bytes.
    @discardableResult
    package func op(_ opcode: PickleOpcode, _ argument: [UInt8] = []) -> PickleAssembler {
        opcodes.insert(opcode)
        bytes.append(opcode.rawValue)
        bytes += argument
        return self
    }

    /// Adds an opcode with a little-endian argument.
    @discardableResult
    package func op<Value: FixedWidthInteger>(_ opcode: PickleOpcode, _ argument: Value) -> PickleAssembler {
        withUnsafeBytes(of: argument.littleEndian) { bytes in op(opcode, Array(bytes)) }
    }

    /// Adds an opcode with a text line.
    @discardableResult
    package func line(_ opcode: PickleOpcode, _ line: String) -> PickleAssembler {
        op(opcode, Array(line.utf8) + [0x0A])
    }

    /// Pushes text.
    @discardableResult
    public func text(_ text: String) -> PickleAssembler {
        op(.binUnicode, UInt32(text.utf8.count))
        bytes += Array(text.utf8)
        return self
    }

    /// Pushes an integer of 32 or 64 bits.
    @discardableResult
    public func int(_ value: Int) -> PickleAssembler {
        if let small = Int32(exactly: value) { return op(.binInt, small) }
        return op(.long1, [8] + withUnsafeBytes(of: Int64(value).littleEndian) { Array($0) })
    }

    /// Pushes a global.
    @discardableResult
    public func global(_ module: String, _ name: String) -> PickleAssembler {
        op(.global, Array("\(module)\n\(name)\n".utf8))
    }

    /// Pushes a tuple of integers.
    @discardableResult
    public func ints(_ values: [Int]) -> PickleAssembler {
        op(.mark)
        for value in values { int(value) }
        return op(.tuple)
    }

    /// Pushes a storage of a torch zip.
    @discardableResult
    public func storage(
        _ key: String, type: String = "FloatStorage", location: String = "cpu", count: Int
    ) -> PickleAssembler {
        op(.mark)
        text("storage")
        global("torch", type)
        text(key)
        text(location)
        int(count)
        op(.tuple)
        return op(.binPersID)
    }

    /// Pushes a tensor built by `_rebuild_tensor_v2`.
    @discardableResult
    public func tensor(
        _ key: String, type: String = "FloatStorage", count: Int, offset: Int = 0, shape: [Int], strides: [Int]
    ) -> PickleAssembler {
        global("torch._utils", "_rebuild_tensor_v2")
        op(.mark)
        storage(key, type: type, count: count)
        int(offset)
        ints(shape)
        ints(strides)
        op(.newFalse)
        emptyOrderedDict()
        op(.tuple)
        return op(.reduce)
    }

    /// Pushes `OrderedDict()`.
    @discardableResult
    public func emptyOrderedDict() -> PickleAssembler {
        global("collections", "OrderedDict")
        op(.emptyTuple)
        return op(.reduce)
    }
}
