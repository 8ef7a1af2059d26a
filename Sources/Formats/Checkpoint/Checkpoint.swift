/// The containers a checkpoint comes in, found by content and never by file name (`formats.md` §1).
public enum ContainerKind: String, Sendable, Hashable, CaseIterable {
    /// What `torch.save` writes since PyTorch 1.6.
    case torchZip = "torch-zip"
    /// What `torch.save` wrote before, and still does when asked to.
    case torchLegacy = "torch-legacy"
    /// What `torch.save` wrote in 2016.
    case torchTar = "torch-tar"
    /// What `torch.jit.save` writes.
    case torchScript = "torchscript"
    /// What `torch.package` writes.
    case torchPackage = "torch-package"
    /// What `torch.export.save` writes, a `.pt2`.
    case torchExport = "torch-export"
    /// A folder that `torch.distributed.checkpoint` wrote.
    case distributed = "torch-distributed"
    /// An index and the files it names.
    case sharded = "sharded"
    case safetensors = "safetensors"
    case weightStore = "ud2w"
    /// One NumPy array.
    case npy = "npy"
    /// A zip archive of NumPy arrays.
    case npz = "npz"
    /// A bare pickle, which Python's own `pickle` wrote.
    case pickle = "pickle"
}

/// A described checkpoint: everything its file says, before any tensor data has moved.
public struct Checkpoint: Sendable {
    /// The path as the caller gave it.
    public var path: String
    /// The container.
    public var container: ContainerKind
    /// The size of the file in bytes.
    public var fileSize: Int
    /// The mappings in the file that hold tensors under text keys, in file order (`formats.md` §9.1).
    public var stateDicts: [StateDict]
    /// Tensors elsewhere: in lists, under keys that are no text, in attributes of objects.
    public var looseTensors: [TensorSource]
    /// Tensors that cannot be delivered, with the reason; nothing is dropped in silence.
    public var skipped: [SkippedTensor]
    /// What a pickle asked for that is not plain data.
    public var findings: [PickleFinding]
    /// Text metadata of the file (safetensors `__metadata__`), empty elsewhere.
    public var metadata: [String: String]
    /// Oddities of the file that change nothing, as sentences.
    public var remarks: [String]

    /// Creates a description.
    public init(
        path: String, container: ContainerKind, fileSize: Int, stateDicts: [StateDict],
        looseTensors: [TensorSource] = [], skipped: [SkippedTensor] = [], findings: [PickleFinding] = [],
        metadata: [String: String] = [:], remarks: [String] = []
    ) {
        self.path = path
        self.container = container
        self.fileSize = fileSize
        self.stateDicts = stateDicts
        self.looseTensors = looseTensors
        self.skipped = skipped
        self.findings = findings
        self.metadata = metadata
        self.remarks = remarks
    }
}

/// A mapping from names to tensors somewhere in a checkpoint.
public struct StateDict: Sendable {
    /// The keys from the root object to this mapping; empty for the root itself.
    public var path: [String]
    /// The tensors in file order; names are unique.
    public var tensors: [TensorSource]

    /// Creates a state dict.
    public init(path: [String], tensors: [TensorSource]) {
        self.path = path
        self.tensors = tensors
    }

    /// The path as text: `"state_dict"`, `"optimizer_states.0"`, or `"(root)"`.
    public var displayPath: String { path.isEmpty ? "(root)" : path.joined(separator: ".") }
}

/// A tensor the file names but that cannot be delivered.
public struct SkippedTensor: Sendable, Hashable {
    /// The way from the root object.
    public var path: [String]
    /// Why, as a sentence.
    public var reason: String

    /// Creates a record.
    public init(path: [String], reason: String) {
        self.path = path
        self.reason = reason
    }
}

/// Something in a pickle that Python would import or call and that is not plain data (`formats.md` §10).
public struct PickleFinding: Sendable, Hashable {
    /// How bad it is.
    public enum Severity: String, Sendable, Hashable, Comparable, CaseIterable {
        /// An unknown class, kept as inert data.
        case note
        /// Unusual: worth a look.
        case suspicious
        /// Would run code in Python; converting refuses the file.
        case dangerous

        /// Orders by badness.
        public static func < (lhs: Severity, rhs: Severity) -> Bool {
            let order = Severity.allCases
            return (order.firstIndex(of: lhs) ?? 0) < (order.firstIndex(of: rhs) ?? 0)
        }
    }

    /// How bad it is.
    public var severity: Severity
    /// The global's name, such as `"posix.system"`, after Python-2 names are normalised.
    public var global: String
    /// What the pickle does with it, as a sentence.
    public var message: String
    /// The record that holds the pickle.
    public var entry: String
    /// Bytes from the start of that record.
    public var byteOffset: Int
    /// The zero-based number of the opcode.
    public var opcodeIndex: Int
    /// Whether something is named that could run code although nothing calls it: such files are refused as well, unless
    /// asked for (`formats.md` §10.1).
    public var namesDenied: Bool

    /// Creates a finding.
    public init(
        severity: Severity, global: String, message: String, entry: String, byteOffset: Int, opcodeIndex: Int,
        namesDenied: Bool = false
    ) {
        self.severity = severity
        self.global = global
        self.message = message
        self.entry = entry
        self.byteOffset = byteOffset
        self.opcodeIndex = opcodeIndex
        self.namesDenied = namesDenied
    }
}
