extension UD2MError.Code {
    /// The zip has no single top folder with a `data.pkl`.
    public static let torchLayout = Self("torch-layout", .badData)
    /// The `version` or `byteorder` record holds something unknown.
    public static let torchVersion = Self("torch-version", .badData)
    /// A persistent id is no storage tuple.
    public static let torchPersistentID = Self("torch-persistent-id", .badData)
    /// A storage's record is missing.
    public static let torchStorageMissing = Self("torch-storage-missing", .badData)
    /// A storage's record has another size than the pickle claims, or two claims differ.
    public static let torchStorageSize = Self("torch-storage-size", .badData)
    /// A tensor's arguments are malformed.
    public static let torchTensorMalformed = Self("torch-tensor-malformed", .badData)
    /// A tensor reaches outside its storage, or its size overflows.
    public static let torchTensorBounds = Self("torch-tensor-bounds", .badData)
    /// The file describes more tensors, or modules, than the limits allow.
    public static let torchTensorLimit = Self("torch-tensor-limit", .badData)
    /// The pickle would run code in Python.
    public static let pickleDangerous = Self("pickle-dangerous", .refused)
    /// The pickle holds objects of classes that nobody has listed, and the caller wants none.
    public static let pickleUnknown = Self("pickle-unknown", .refused)
    /// A `torch.package` archive has no pickle of the name asked for.
    public static let torchResource = Self("torch-resource", .usage)
    /// A weight's description in a `.pt2` archive is malformed, or its data are missing.
    public static let torchExport = Self("torch-export", .badData)
    /// A legacy stream or tar is malformed: its magic, system table, key list or tensor records.
    public static let torchLegacy = Self("torch-legacy", .badData)
    /// The chunks of a distributed checkpoint do not tile their tensor, or its metadata are malformed.
    public static let torchDistributed = Self("torch-distributed", .badData)
}
