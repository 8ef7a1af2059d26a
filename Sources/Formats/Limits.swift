/// Bounds on what a file may ask of a reader (`formats.md` §10.3); every one can be overridden for one call.
///
/// Reading takes time and memory in proportion to the file's size and these numbers, whatever the file claims.
public struct Limits: Sendable, Hashable {
    /// The defaults.
    public static let standard = Limits()

    // MARK: Pickles

    /// Bytes of one pickle stream.
    public var pickleBytes = 256 << 20
    /// Opcodes executed for one file.
    public var pickleOperations = 100_000_000
    /// Values built for one file.
    public var pickleNodes = 32_000_000
    /// Payload bytes of all values together, as a multiple of the stream's size.
    public var picklePayloadFactor = 2
    /// Bytes of one `LONG1` or `LONG4` integer.
    public var pickleLongBytes = 1 << 10
    /// How deep pickles inside pickles are followed.
    public var nestedPickleDepth = 2
    /// How deep containers are walked when looking for tensors.
    public var walkDepth = 1_000
    /// Steps of looking for tensors in a pickle of any size, since modules shared by modules multiply without end…
    public var walkSteps = 5_000_000
    /// …or so many for each of its values, whichever is more; never more than ``pickleOperations``.
    public var walkStepsPerNode = 8

    // MARK: Archives

    /// Entries of one archive.
    public var archiveEntries = 1_000_000
    /// Bytes of a zip central directory.
    public var archiveDirectoryBytes = 256 << 20
    /// Inflated bytes for each deflated byte.
    public var inflateRatio = 200
    /// Inflated bytes of a record that is read eagerly.
    public var inflatedRecordBytes = 256 << 20

    // MARK: Tensors

    /// Bytes of the name of a tensor or of an archive entry.
    public var nameBytes = 4 << 10
    /// Tensors in one file.
    public var tensors = 1_000_000
    /// Dimensions of one tensor.
    public var rank = 64
    /// A tensor with repeated elements may take this many times its storage's bytes…
    public var expansionFactor = 64
    /// …or this many bytes, whichever is more (`formats.md` §10.1).
    public var expansionFloorBytes = 256 << 20

    // MARK: JSON

    /// Bytes of a safetensors header.
    public var headerBytes = 100_000_000
    /// Nesting of a safetensors header; four levels are all it needs.
    public var headerDepth = 4
    /// Nesting of other JSON documents.
    public var jsonDepth = 64

    /// Creates the default limits; change the properties to override some.
    public init() {}

    /// Bytes that a tensor over `stored` bytes may take when it is written out whole (`formats.md` §10.1).
    func expandedBytes(of stored: Int) -> Int {
        max(stored.multipliedOrMaximum(expansionFactor), expansionFloorBytes)
    }
}

extension Int {
    /// The product with a factor, or the largest integer where it overflows: no size is beyond that.
    package func multipliedOrMaximum(_ factor: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }

    /// The sum, or the largest integer where it overflows.
    package func addedOrMaximum(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}

extension Sequence<Int> {
    /// The product, or the largest integer where it overflows: some sizes of a tensor without elements may be beyond any
    /// product although all of them are not.
    package var productOrMaximum: Int { reduce(1) { $0.multipliedOrMaximum($1) } }
}
