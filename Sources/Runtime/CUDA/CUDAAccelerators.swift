import CUD2MCUDA

/// The libraries that are open on a context, and what is known of their products; used on the context's thread.
final class CUDAAccelerators: @unchecked Sendable {
    /// Bytes of the workspace of a network, which its products share.
    static let workspaceBytes = 32 << 20

    /// The libraries that are open.
    private(set) var kinds: Set<Accelerator> = []
    /// Their names and versions.
    let versions: [String]
    /// What came of every shape, in the order of first use.
    private(set) var uses: [AcceleratorUse] = []
    private var places: [[ProductShape]: Int] = [:]
    // Products refer to the tables.
    private let cublasLt = UnsafeMutablePointer<ud2m_cublaslt>.allocate(capacity: 1)
    private let cudnn = UnsafeMutablePointer<ud2m_cudnn>.allocate(capacity: 1)
    private var handles: [Accelerator: UnsafeMutableRawPointer] = [:]

    init(_ libraries: AcceleratorLibraries) {
        versions = libraries.findings.compactMap { finding in
            finding.version.map { "\(finding.accelerator.rawValue) \($0)" }
        }
        cublasLt.initialize(to: libraries.cublasLt ?? ud2m_cublaslt())
        cudnn.initialize(to: libraries.cudnn ?? ud2m_cudnn())
        if let library = libraries.cublasLt { open(.cublasLt, library.create, library.text) }
        if let library = libraries.cudnn { open(.cudnn, library.create, library.text) }
    }

    deinit {
        cublasLt.deallocate()
        cudnn.deallocate()
    }

    private func open(
        _ accelerator: Accelerator, _ create: (UnsafeMutablePointer<UnsafeMutableRawPointer?>?) -> Int32,
        _ text: (Int32) -> UnsafePointer<CChar>?
    ) {
        var handle: UnsafeMutableRawPointer?
        let status = create(&handle)
        guard status == 0, let handle else {
            let reason = text(status).map { String(cString: $0) } ?? "status \(status)"
            uses.append(AcceleratorUse(accelerator: accelerator, layer: "all", isUsed: false, reason: reason))
            return
        }
        handles[accelerator] = handle
        kinds.insert(accelerator)
    }

    /// Closes the libraries, once nothing uses them.
    func close() {
        if let handle = handles[.cublasLt] { _ = cublasLt.pointee.destroy(handle) }
        if let handle = handles[.cudnn] { _ = cudnn.pointee.destroy(handle) }
        (handles, kinds) = ([:], [])
    }

    /// What came of a layer of these products; nil before its first use.
    func use(of shapes: [ProductShape]) -> AcceleratorUse? { places[shapes].map { uses[$0] } }

    func record(_ use: AcceleratorUse, of shapes: [ProductShape]) {
        places[shapes] = uses.count
        uses.append(use)
    }

    /// The library's product of a shape, which its caller destroys.
    /// - Throws: ``AcceleratorFailure`` where the library has none.
    func product(_ shape: ProductShape) throws -> OpaquePointer {
        var (structure, text) = (shape.structure, [CChar](repeating: 0, count: 512))
        let handle = handles[shape.accelerator]
        let product =
            switch shape.accelerator {
            case .cublasLt:
                ud2m_cublaslt_product(cublasLt, handle, &structure, Self.workspaceBytes, &text, text.count)
            case .cudnn: ud2m_cudnn_product(cudnn, handle, &structure, Self.workspaceBytes, &text, text.count)
            }
        guard let product else { throw AcceleratorFailure(text) }
        return product
    }
}

/// A library refused a product.
struct AcceleratorFailure: Error {
    let reason: String

    /// Takes C's text.
    init(_ text: [CChar]) {
        reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
