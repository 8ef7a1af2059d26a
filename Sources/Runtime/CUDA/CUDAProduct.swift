import CUD2MCUDA
import CUD2MKernels
import UD2MFormats

/// A layer that a library computes once its result has agreed with the kernels'; used on the context's thread.
final class CUDAProduct {
    let product: DeviceProduct
    private let own: [CUDALaunch]
    private let before: [CUDALaunch]
    private let after: [CUDALaunch]
    /// Empty where the library has no product.
    private var calls: [Call] = []
    private let shapes: [ProductShape]
    private let result: ud2m_cuda_address
    private let workspace: CUDABuffer
    private let context: CUDAContext
    private let accelerators: CUDAAccelerators

    private struct Call {
        let product: OpaquePointer
        let input: ud2m_cuda_address
        let weights: ud2m_cuda_address
        let output: ud2m_cuda_address
    }

    /// Binds a layer; where the library has no algorithm for it, the kernels compute it.
    /// - Throws: `graph-invalid`, `cuda-failed`.
    init(
        _ product: DeviceProduct, _ addresses: DeviceAddresses, on context: CUDAContext,
        _ accelerators: CUDAAccelerators,
        workspace: CUDABuffer
    ) throws {
        func bind(_ launches: [DeviceLaunch]) throws -> [CUDALaunch] {
            try launches.map { try CUDALaunch($0, addresses, on: context) }
        }
        self.product = product
        self.workspace = workspace
        self.context = context
        self.accelerators = accelerators
        shapes = product.calls.map(\.shape)
        result = addresses.arena + UInt64(product.resultOffset)
        (own, before, after) = (try bind(product.own), try bind(product.before), try bind(product.after))
        guard accelerators.use(of: shapes)?.isUsed != false else { return }
        do {
            for call in product.calls {
                func address(_ place: DevicePlace) throws -> UInt64 { UInt64(UInt(bitPattern: try addresses(place))) }
                let weights = try address(.weight(call.weight)) + UInt64(call.weightOffset)
                let (input, output) = (try address(call.input), try address(call.output))
                calls.append(
                    Call(
                        product: try accelerators.product(call.shape), input: input, weights: weights, output: output))
            }
        } catch let failure as AcceleratorFailure {
            refuse(failure.reason)
        }
    }

    deinit {
        let box = Products(values: calls.map(\.product))
        context.later { for product in box.values { ud2m_product_destroy(product) } }
    }

    private struct Products: @unchecked Sendable {
        let values: [OpaquePointer]
    }

    /// Whether it is known what computes the layer.
    var isDecided: Bool { accelerators.use(of: shapes) != nil }

    private var usesLibrary: Bool { accelerators.use(of: shapes)?.isUsed == true && !calls.isEmpty }

    /// What computes the layer, for profiles.
    var name: String {
        usesLibrary ? product.accelerator.rawValue : product.own.map(\.kernel).joined(separator: ", ")
    }

    /// Starts what was decided on; the kernels until then.
    /// - Throws: `cuda-failed`.
    func start(_ stream: CUDAStream) throws {
        guard usesLibrary else { return try startOwn(stream) }
        do {
            try startLibrary(stream)
        } catch let failure as AcceleratorFailure {
            throw UD2MError(
                .cudaFailed, "\(product.accelerator.rawValue) failed in \(product.label): \(failure.reason).",
                remedy: "Use --accelerators none.")
        }
    }

    /// Computes the layer with the kernels and with the library, compares and decides; the result of what was decided on is
    /// left. Nothing is decided on a result of zeros, which says little.
    /// - Throws: `cuda-failed`.
    func decide(_ stream: CUDAStream) throws {
        try startOwn(stream)
        let expected = try download(stream)
        guard expected.contains(where: { $0 != 0 }) else { return }
        let error: Double?
        do {
            try startLibrary(stream)
            error = Self.distance(try download(stream), from: expected)
        } catch let failure as AcceleratorFailure {
            refuse(failure.reason)
            return try startOwn(stream)
        }
        let bound = Self.bound(product.resultElement)
        guard let error, error <= bound else {
            refuse("its result differs from the kernels'", error: error, bound: bound)
            return try startOwn(stream)
        }
        let kernelSeconds = try time(stream, startOwn)
        let librarySeconds = try time(stream, startLibrary)
        accelerators.record(
            AcceleratorUse(
                accelerator: product.accelerator, layer: product.label, isUsed: true, error: error, bound: bound,
                kernelSeconds: kernelSeconds, librarySeconds: librarySeconds), of: shapes)
    }

    private func refuse(_ reason: String, error: Double? = nil, bound: Double? = nil) {
        accelerators.record(
            AcceleratorUse(
                accelerator: product.accelerator, layer: product.label, isUsed: false, error: error, bound: bound,
                reason: reason), of: shapes)
    }

    /// How far a library may be from the kernels: both round sums of the same products, a library once more.
    static func bound(_ element: DeviceElement) -> Double {
        switch element {
        // Other orders of sums and Winograd's algorithm are within this, TF32 is not.
        case .f32: 5e-5
        case .f16: 4e-3
        case .bf16: 3e-2
        }
    }

    /// The largest difference over the largest value; nil where only one of them is a finite number.
    private static func distance(_ found: [Float], from expected: [Float]) -> Double? {
        var (difference, largest) = (0.0, 0.0)
        for (left, right) in zip(found, expected) {
            guard left.isFinite == right.isFinite else { return nil }
            guard left.isFinite else { continue }
            difference = max(difference, Double(abs(left - right)))
            largest = max(largest, Double(abs(right)))
        }
        return largest > 0 ? difference / largest : difference
    }

    // MARK: Work

    private func startOwn(_ stream: CUDAStream) throws { for launch in own { try launch.start(stream) } }

    /// - Throws: ``AcceleratorFailure`` where the library refuses.
    private func startLibrary(_ stream: CUDAStream) throws {
        for launch in before { try launch.start(stream) }
        var text = [CChar](repeating: 0, count: 512)
        for (index, call) in calls.enumerated() {
            let status = stream.withHandle { handle in
                ud2m_product_start(
                    call.product, call.input, call.weights, call.output, index > 0 ? 1 : 0, workspace.address,
                    workspace.byteCount, handle, &text, text.count)
            }
            guard status == 0 else { throw AcceleratorFailure(text) }
        }
        for launch in after { try launch.start(stream) }
    }

    private func time(_ stream: CUDAStream, _ work: (CUDAStream) throws -> Void) throws -> Double {
        let (start, end) = (try CUDAEvent(context, isTimed: true), try CUDAEvent(context, isTimed: true))
        try stream.record(start)
        try work(stream)
        try stream.record(end)
        try stream.synchronize()
        return try end.seconds(since: start)
    }

    /// The layer's result.
    private func download(_ stream: CUDAStream) throws -> [Float] {
        let (count, element) = (product.resultCount, product.resultElement)
        var raw = [UInt8](repeating: 0, count: count * element.size)
        try raw.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            try stream.download(result, to: start, byteCount: bytes.count)
            try stream.synchronize()
        }
        return raw.withUnsafeBytes { bytes in
            [Float](unsafeUninitializedCapacity: count) { values, initialized in
                ud2m_convert_to_f32(bytes.baseAddress, element.kernelElement, count, values.baseAddress)
                initialized = count
            }
        }
    }
}

extension DeviceElement {
    fileprivate var kernelElement: ud2m_element {
        switch self {
        case .f16: UD2M_ELEMENT_F16
        case .bf16: UD2M_ELEMENT_BF16
        case .f32: UD2M_ELEMENT_F32
        }
    }
}
