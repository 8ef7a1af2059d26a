import CUD2MCUDA

/// Bytes that the values of a graph, and what nodes need besides, take on a device.
struct DeviceSizes {
    let scope: CompiledGraph.Scope
    let strides: [[Int]]
    let images: Int
    let element: DeviceElement
    /// The libraries that may compute products.
    var accelerators: Set<Accelerator> = []

    private var graph: Graph { scope.graph }

    /// Values from one vector of a batch to the next: whole lines of sixteen bytes.
    static func vectorStride(_ count: Int) -> Int { (count + 3) / 4 * 4 }

    /// Of a value's own memory.
    func bytes(of index: Int) -> Int {
        switch graph.nodes[index].operation {
        case .normCoefficients, .vectorCoefficients:
            return images * 2 * strides[graph.nodes[index].inputs[0].index].reduce(0, +) * 4
        default:
            switch scope.shapes[index] {
            case .map(_, let height, let width):
                return images * height * width * strides[index].reduce(0, +) * element.size
            case .vector(let count): return images * Self.vectorStride(count) * 4
            }
        }
    }

    /// Of the planar or scalar values that an input arrives as.
    func inputBytes(of index: Int) -> Int {
        switch graph.nodes[index].operation {
        case .image: images * scope.shapes[index].count * 4
        case .timestepEmbedding, .classEmbedding: images * 4
        default: 0
        }
    }

    /// Tiles of an image's pixels whose sums are left.
    static func momentTiles(pixels: Int) -> Int {
        (pixels + Int(UD2M_CUDA_MOMENT_PIXELS) - 1) / Int(UD2M_CUDA_MOMENT_PIXELS)
    }

    /// Of the moments of a map's own runs.
    func momentBytes(of value: Value) -> Int {
        let tiles = Self.momentTiles(pixels: scope.shapes[value.index].positions)
        return images * tiles * strides[value.index].reduce(0, +) * 2 * 4
    }

    /// For every convolution, the last normalisation that reads its map: it leaves the sums. Nil for other nodes.
    var momentReaders: [Int?] {
        var readers = [Int?](repeating: nil, count: graph.nodes.count)
        for (index, node) in graph.nodes.enumerated() {
            guard case .normCoefficients = node.operation else { continue }
            for part in scope.parts[node.inputs[0].index] where graph[part].operation.leavesMoments {
                readers[part.index] = index
            }
        }
        return readers
    }

    /// What a node needs only while it runs.
    func scratchBytes(of index: Int) -> Int {
        let node = graph.nodes[index]
        switch node.operation {
        case .convolution(let convolution):
            let splits = splits(of: index, convolution)
            let slots = strides[index].reduce(0, +)
            let own = splits > 1 ? splits * images * scope.shapes[index].positions * slots * 4 : 0
            return max(own, product(of: index, convolution)?.scratchBytes ?? 0)
        case .normCoefficients:
            return scope.parts[node.inputs[0].index].filter { !graph[$0].operation.leavesMoments }
                .reduce(0) { $0 + momentBytes(of: $1) }
        case .external:
            return images * 4
                * (scope.shapes[index].count + node.inputs.reduce(0) { $0 + scope.shapes[$1.index].count })
        default: return 0
        }
    }

    /// Among how many blocks the products of a tile of outputs are divided; 1 for none.
    ///
    /// It depends on the sizes of one image alone, so that a result depends neither on the batch nor on the device.
    func splits(of index: Int, _ convolution: Convolution) -> Int {
        guard element != .f32 else { return 1 }
        func whole(_ count: Int, _ size: Int) -> Int { (count + size - 1) / size }
        let tiles = whole(scope.shapes[index].positions, 64) * whole(strides[index].reduce(0, +), 64)
        let slots = strides[graph.nodes[index].inputs[0].index].reduce(0, +)
        let chunks = whole(convolution.kernelHeight * convolution.kernelWidth * slots, Self.chunk)
        let wanted = min(Self.multiprocessors / max(tiles, 1), chunks / Self.chunksPerSplit, Self.splitLimit)
        guard wanted > 1 else { return 1 }
        // No block without a share.
        return whole(chunks, whole(chunks, wanted))
    }

    /// Slots that a tensor core's kernel multiplies at a time.
    private static let chunk = 32
    /// A block that has fewer to multiply costs more to start than it saves.
    private static let chunksPerSplit = 16
    private static let splitLimit = 16
    /// Those of an A100: about as many blocks keep any of the GPUs busy.
    static let multiprocessors = 108
}

extension Operation {
    /// Whether the kernel can leave the sums that a normalisation needs.
    var leavesMoments: Bool { if case .convolution = self { true } else { false } }
}
