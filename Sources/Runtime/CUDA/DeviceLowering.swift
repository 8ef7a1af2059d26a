import CUD2MCUDA
import UD2MFormats

/// Turns the nodes of a graph into launches of kernels.
struct DeviceLowering {
    let layout: DeviceLayout
    var scope: CompiledGraph.Scope { layout.scope }
    var images: Int { layout.images }
    var element: DeviceElement { layout.element }
    private(set) var steps: [DevicePlan.Step] = []

    init(_ layout: DeviceLayout) { self.layout = layout }

    /// Lowers every node, and what hands out results.
    /// - Throws: `graph-invalid` when the graph is not one that kernels can run, `cuda-unsupported`.
    mutating func lower() throws {
        for index in scope.graph.nodes.indices {
            let value = Value(index: index)
            try lower(value)
            for (transfer, result) in zip(layout.results, layout.resultValues) where result == value {
                try deliver(value, to: transfer)
            }
        }
    }

    mutating func append(external: DeviceExternalCall) { steps.append(.external(external)) }

    mutating func append(_ launches: [DeviceLaunch]) { steps += launches.map { .launch($0) } }

    mutating func append(_ product: DeviceProduct) { steps.append(.product(product)) }

    /// What a launch reads or writes, for its bytes.
    struct Traffic {
        var read = 0
        var written = 0
        var flops = 0.0
    }

    /// Appends a launch of a kernel that exists once.
    mutating func emit(
        _ value: Value, _ kernel: String, _ grid: DeviceGrid, sharedBytes: Int? = nil, _ traffic: Traffic,
        _ structure: @escaping @Sendable (DeviceAddresses) throws -> [UInt8]
    ) throws {
        append([try launch(value, kernel, grid, sharedBytes: sharedBytes, traffic, structure)])
    }

    /// A launch of a kernel.
    /// - Throws: `graph-invalid` when there is none of this name, `cuda-unsupported` for too large a grid.
    func launch(
        _ value: Value, _ kernel: String, _ grid: DeviceGrid, sharedBytes: Int? = nil, _ traffic: Traffic,
        _ structure: @escaping @Sendable (DeviceAddresses) throws -> [UInt8]
    ) throws -> DeviceLaunch {
        let label = scope.label(of: value.index)
        let description = try description(kernel)
        // A grid has at most 65535 blocks in y and z.
        guard grid.x > 0, (1...65_535).contains(grid.y), (1...65_535).contains(grid.z) else {
            throw UD2MError(
                .cudaUnsupported, "\(kernel) would need \(grid.x)·\(grid.y)·\(grid.z) blocks for \(label.detail).",
                remedy: "Use smaller images or batches, or --device cpu.")
        }
        return DeviceLaunch(
            kernel: kernel, grid: grid, sharedBytes: sharedBytes ?? Int(description.shared_bytes), kind: label.kind,
            detail: label.detail, flops: traffic.flops, bytesRead: traffic.read, bytesWritten: traffic.written,
            structure: structure)
    }

    /// Appends a launch of a kernel that exists for every type of elements.
    mutating func emitTyped(
        _ value: Value, _ kernel: String, _ grid: DeviceGrid, _ traffic: Traffic,
        _ structure: @escaping @Sendable (DeviceAddresses) throws -> [UInt8]
    ) throws {
        try emit(value, "\(kernel)_\(element.rawValue)", grid, traffic, structure)
    }

    /// How a kernel is launched.
    /// - Throws: `graph-invalid` when there is none of this name.
    func description(_ kernel: String) throws -> ud2m_cuda_kernel {
        guard let description = ud2m_cuda_kernel_named(kernel)?.pointee else {
            throw UD2MError(.graphInvalid, "There is no kernel \(kernel).")
        }
        return description
    }

    // MARK: Operands

    /// The map that a node reads, through its transforms.
    func map(_ node: Node) throws -> DeviceMap {
        let operand = node.inputs[0]
        let (height, width) = try layout.size(operand)
        let map = DeviceMap(
            parts: try layout.parts(operand), height: height, width: width,
            coefficients: try node.coefficients.map(layout.place), activation: node.loadActivation,
            isUpsampled: node.loadsUpsampled)
        if let coefficients = node.coefficients {
            let source = scope.graph[coefficients].inputs[0]
            guard layout.slots(source) == map.slots else {
                throw layout.invalid(coefficients, "does not fit the map it transforms.")
            }
        }
        return map
    }

    /// A map as it is.
    func plainMap(_ value: Value) throws -> DeviceMap {
        let (height, width) = try layout.size(value)
        return DeviceMap(parts: try layout.parts(value), height: height, width: width)
    }

    /// Bytes of a map in a batch, with its coefficients.
    func bytes(_ map: DeviceMap) -> Int {
        images * map.slots * (map.height * map.width * element.size + (map.coefficients == nil ? 0 : 8))
    }

    /// Bytes of a value's elements in a batch.
    func bytes(_ value: Value) -> Int {
        switch scope.shapes[value.index] {
        case .map(_, let height, let width): images * height * width * layout.slots(value) * element.size
        case .vector(let count): images * count * 4
        }
    }

    /// Blocks for a kernel that goes through vectors of eight elements whatever its grid is.
    func anyGrid(pixels: Int, slots: Int, parts: Int = 1) -> DeviceGrid {
        let vectors = images * pixels * slots / Int(UD2M_CUDA_CHANNELS)
        return DeviceGrid(x: max(1, min(wholeBlocks(vectors, of: 256), 16 * DeviceSizes.multiprocessors)), y: parts)
    }
}
