extension UD2MError.Code {
    /// The file is of a known kind that is not read.
    public static let containerUnsupported = Self("container-unsupported", .badData)
    /// The file's first bytes fit no known kind.
    public static let containerUnknown = Self("container-unknown", .badData)
    /// The file has no bytes.
    public static let fileEmpty = Self("file-empty", .badData)
    /// The file holds zero bytes only.
    public static let fileAllZero = Self("file-all-zero", .badData)
    /// A git-lfs pointer instead of the file it points to.
    public static let gitLFSPointer = Self("git-lfs-pointer", .badData)
    /// A web page instead of a checkpoint.
    public static let htmlPage = Self("html-page", .badData)
    /// A server's error message instead of a checkpoint.
    public static let serverMessage = Self("server-message", .badData)
    /// A file compressed with gzip.
    public static let gzipFile = Self("gzip-file", .badData)
    /// An archive that contains a checkpoint as a file.
    public static let packedCheckpoint = Self("packed-checkpoint", .badData)
    /// A 7-Zip archive.
    public static let sevenZipFile = Self("7z-file", .badData)
    /// A file compressed with zstd.
    public static let zstdFile = Self("zstd-file", .badData)
    /// A file compressed with bzip2.
    public static let bzip2File = Self("bzip2-file", .badData)
    /// A file compressed with xz.
    public static let xzFile = Self("xz-file", .badData)
    /// A RAR archive.
    public static let rarFile = Self("rar-file", .badData)
    /// A GGUF model.
    public static let ggufModel = Self("gguf-model", .badData)
    /// An HDF5 file, such as a Keras model.
    public static let hdf5Model = Self("hdf5-model", .badData)
    /// A TensorFlow Lite model.
    public static let tfliteModel = Self("tflite-model", .badData)
    /// A TensorFlow or Keras model.
    public static let tensorFlowModel = Self("tensorflow-model", .badData)
    /// A Core ML model.
    public static let coreMLModel = Self("coreml-model", .badData)
    /// An ONNX model.
    public static let onnxModel = Self("onnx-model", .badData)
    /// A zip archive without entries.
    public static let zipEmpty = Self("zip-empty", .badData)
    /// One part of a zip archive that spans several files.
    public static let zipSpanned = Self("zip-spanned", .badData)
    /// The preview of a file format that PyTorch had in 2019.
    public static let torchPreview = Self("torch-preview", .badData)
    /// A pickle whose tensors' data are elsewhere.
    public static let barePickle = Self("bare-pickle", .badData)
}
