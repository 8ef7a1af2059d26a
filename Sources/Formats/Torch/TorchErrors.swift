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
}
