/// What went wrong, where, and how to mend it: the one error type of the toolkit.
///
/// Library code throws it and never prints or exits; `UD2MCommands` turns ``Code-swift.struct/category`` into an exit
/// code. Tests assert the code and the location, never the wording.
public struct UD2MError: Error, Sendable, Hashable {
    /// A machine-readable reason. Modules add their own as static members.
    public struct Code: Sendable, Hashable {
        /// Stable identifier in kebab case, such as `"zip-truncated"`.
        public let name: String
        /// The family that decides the exit code.
        public let category: Category

        /// Creates a code.
        public init(_ name: String, _ category: Category) {
            self.name = name
            self.category = category
        }
    }

    /// Families of failure; `docs/exit-codes.md` maps each to a number.
    public enum Category: String, Sendable, Hashable, CaseIterable {
        /// The caller asked for something that makes no sense.
        case usage
        /// The input is malformed, truncated or of an unsupported kind.
        case badData
        /// An input file does not exist or cannot be read.
        case noInput
        /// A device or library that is needed is not here.
        case unavailable
        /// A broken promise inside the toolkit: a bug.
        case internalBug
        /// The output cannot be created, or exists and `--force` was not given.
        case cannotCreate
        /// Reading or writing failed half-way.
        case inputOutput
        /// The same call may succeed later.
        case retry
        /// The input would run code elsewhere, or may not be touched.
        case refused
    }

    /// Where the problem was found; every part is optional.
    public struct Location: Sendable, Hashable {
        /// The file's path as the caller gave it.
        public var file: String?
        /// The record inside an archive, such as `"archive/data.pkl"`.
        public var entry: String?
        /// Bytes from the start of the entry, or of the file when `entry` is nil.
        public var byteOffset: Int?
        /// The zero-based number of the pickle opcode.
        public var opcodeIndex: Int?
        /// The tensor concerned.
        public var tensor: String?

        /// Creates a location.
        public init(
            file: String? = nil, entry: String? = nil, byteOffset: Int? = nil, opcodeIndex: Int? = nil,
            tensor: String? = nil
        ) {
            self.file = file
            self.entry = entry
            self.byteOffset = byteOffset
            self.opcodeIndex = opcodeIndex
            self.tensor = tensor
        }
    }

    /// The machine-readable reason.
    public var code: Code
    /// One sentence for a person: what was found and which rule it breaks.
    public var message: String
    /// Where.
    public var location: Location
    /// What to do next, when there is something to do.
    public var remedy: String?
    /// Ten tensors in which a checkpoint and a network disagree, some of each kind; empty for other errors.
    public var mismatches: [TensorMismatch] = []
    /// The known network that a checkpoint comes closest to, for errors about what a checkpoint holds.
    public var closest: ClosestNetwork?
    /// What was found in the pickles of a file before this error ended their reading; nil when none was begun.
    public var findings: [PickleFinding]?

    /// The state dicts among which a choice is open, the likeliest first; empty for other errors.
    public var candidates: [StateDictCandidate] = []

    /// Creates an error.
    public init(_ code: Code, _ message: String, at location: Location = Location(), remedy: String? = nil) {
        self.code = code
        self.message = message
        self.location = location
        self.remedy = remedy
    }

    /// A copy whose empty location parts are filled from `outer`, for callers who know the file or the tensor.
    public func located(in outer: Location) -> UD2MError {
        var copy = self
        copy.location.file = location.file ?? outer.file
        copy.location.entry = location.entry ?? outer.entry
        copy.location.byteOffset = location.byteOffset ?? outer.byteOffset
        copy.location.opcodeIndex = location.opcodeIndex ?? outer.opcodeIndex
        copy.location.tensor = location.tensor ?? outer.tensor
        return copy
    }
}

extension UD2MError: CustomStringConvertible {
    /// The message with its location and remedy, on one line, control characters escaped.
    public var description: String {
        var place: [String] = []
        if let file = location.file { place.append(file.escapedForDisplay) }
        if let entry = location.entry { place.append("entry \(entry.escapedForDisplay)") }
        if let offset = location.byteOffset { place.append("byte \(offset)") }
        if let opcode = location.opcodeIndex { place.append("opcode \(opcode)") }
        if let tensor = location.tensor { place.append("tensor \(tensor.escapedForDisplay)") }
        let prefix = place.isEmpty ? "" : place.joined(separator: ", ") + ": "
        let suffix = remedy.map { " \($0.escapedForDisplay)" } ?? ""
        return "\(prefix)\(message.escapedForDisplay)\(suffix) [\(code.name)]"
    }
}

extension String {
    /// The text with control characters written as `\u{…}`, so that names from a file cannot drive a terminal.
    public var escapedForDisplay: String {
        guard unicodeScalars.contains(where: { $0.mustBeEscaped }) else { return self }
        var out = ""
        for scalar in unicodeScalars {
            if scalar.mustBeEscaped {
                out += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}

extension Unicode.Scalar {
    /// C0, DEL, C1, and the bidirectional controls that reorder what a terminal shows.
    fileprivate var mustBeEscaped: Bool {
        value < 0x20 || (0x7F...0x9F).contains(value) || (0x202A...0x202E).contains(value)
            || (0x2066...0x2069).contains(value)
    }
}
