import CUD2MCUDA

/// A library of NVIDIA's that can compute products of layers in place of the kernels.
public enum Accelerator: String, Sendable, Hashable, CaseIterable {
    /// Convolutions of 1×1, and linear layers in float32.
    case cublasLt = "cublaslt"
    /// Convolutions of 3×3.
    case cudnn
}

/// Those of the libraries that were asked for and found, loaded while the program runs.
public struct AcceleratorLibraries: @unchecked Sendable {
    /// What was found of one library.
    public struct Finding: Sendable {
        /// Which one.
        public let accelerator: Accelerator
        /// Such as "9.26.0"; nil where it cannot be used.
        public let version: String?
        /// Why it cannot be used: the loader's text, or the function that it lacks.
        public let reason: String?
        /// Whether there is a library that cannot be used.
        public let isUnusable: Bool
    }

    /// No libraries.
    public static let none = AcceleratorLibraries()

    /// One for every library that was asked for.
    public private(set) var findings: [Finding] = []
    // The functions of the libraries, which never change.
    private(set) var cublasLt: ud2m_cublaslt?
    private(set) var cudnn: ud2m_cudnn?

    /// Whether none was found.
    public var isEmpty: Bool { cublasLt == nil && cudnn == nil }

    private init() {}

    /// Looks for libraries on this machine, or where the environment variables `UD2M_CUBLASLT` and `UD2M_CUDNN` say.
    public init(loading wanted: Set<Accelerator>) {
        self.init(wanted, openCuBLASLt: ud2m_cublaslt_open, openCuDNN: ud2m_cudnn_open)
    }

    /// Takes the functions of libraries from `resolver`, for libraries that are linked into the program.
    package init(
        _ wanted: Set<Accelerator> = Set(Accelerator.allCases),
        resolver: @escaping (_ name: String) -> UnsafeMutableRawPointer?
    ) {
        let box = ResolverBox(resolver)
        self = withExtendedLifetime(box) {
            AcceleratorLibraries(
                wanted,
                openCuBLASLt: { ud2m_cublaslt_resolve(ResolverBox.callback, box.context, $0, $1, $2) },
                openCuDNN: { ud2m_cudnn_resolve(ResolverBox.callback, box.context, $0, $1, $2) })
        }
    }

    private typealias Open<Table> =
        (UnsafeMutablePointer<Table>?, UnsafeMutablePointer<CChar>?, Int) -> ud2m_cuda_open_result

    private init(_ wanted: Set<Accelerator>, openCuBLASLt: Open<ud2m_cublaslt>, openCuDNN: Open<ud2m_cudnn>) {
        if wanted.contains(.cublasLt) {
            cublasLt = open(.cublasLt, ud2m_cublaslt(), openCuBLASLt) { Self.version($0.version(), major: 10_000) }
        }
        if wanted.contains(.cudnn) {
            cudnn = open(.cudnn, ud2m_cudnn(), openCuDNN) { library in
                // Since version 9 the major version is counted in ten thousands.
                let number = library.version()
                return Self.version(number, major: number >= 10_000 ? 10_000 : 1000)
            }
        }
    }

    private static func version(_ number: Int, major: Int) -> String {
        "\(number / major).\(number % major / 100).\(number % 100)"
    }

    private mutating func open<Table>(
        _ accelerator: Accelerator, _ empty: Table, _ open: Open<Table>, version: (Table) -> String
    ) -> Table? {
        var table = empty
        var text = [CChar](repeating: 0, count: 1024)
        let result = text.withUnsafeMutableBufferPointer { text in open(&table, text.baseAddress, text.count) }
        let isOpen = result == UD2M_CUDA_OPENED
        let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        findings.append(
            Finding(
                accelerator: accelerator, version: isOpen ? version(table) : nil, reason: isOpen ? nil : reason,
                isUnusable: result == UD2M_CUDA_NO_FUNCTION))
        return isOpen ? table : nil
    }
}

/// What came of letting a library compute one layer: its result on first use beside the kernels'.
public struct AcceleratorUse: Sendable {
    /// The library.
    public let accelerator: Accelerator
    /// The layer, with its sizes, the batch and the type of its elements; "all" where the library could not be opened.
    public let layer: String
    /// Whether the library computes layers of this shape from now on.
    public let isUsed: Bool
    /// The largest difference over the largest value of the kernels'; nil where it is no number.
    public var error: Double?
    /// What the error may be at most.
    public var bound: Double?
    /// Why the library is not used.
    public var reason: String?
    /// How long the kernels took.
    public var kernelSeconds: Double?
    /// How long the library took, with the kernels before and after it.
    public var librarySeconds: Double?
}
