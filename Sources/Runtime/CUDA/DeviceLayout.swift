import CUD2MCUDA
import CUD2MKernels
import UD2MFormats

/// One buffer of a map on a device.
struct DevicePart: Sendable, Hashable {
    /// Bytes from the start of the arena.
    var offset: Int
    var channels: Int
    /// Elements of a pixel: the channels and what pads them.
    var stride: Int
}

/// Where every value of a graph lies in a device's arena, for a batch.
struct DeviceLayout: Sendable {
    let scope: CompiledGraph.Scope
    let images: Int
    let element: DeviceElement
    /// The libraries that may compute products.
    let accelerators: Set<Accelerator>
    /// Elements of a pixel of every run of channels of every map (``CompiledGraph/Scope/runs``).
    let strides: [[Int]]
    /// Bytes of the arena.
    let arenaBytes: Int
    let inputs: [DevicePlan.Transfer]
    let results: [DevicePlan.Transfer]
    let resultShapes: [[Int]]
    /// The values that are results, in order.
    let resultValues: [Value]
    private let offsets: [Int?]
    private let momentOffsets: [Int?]
    private let scratchOffsets: [Int?]
    private let inputOffsets: [Int?]

    /// Runs the passes and packs the arena.
    /// - Throws: `graph-invalid` when the graph cannot take images of these sizes.
    init(
        _ source: Graph, for key: PlanKey, images: Int, element: DeviceElement, accelerators: Set<Accelerator> = []
    ) throws {
        let scope = try CompiledGraph.Scope(source, for: key)
        let graph = scope.graph
        let strides = Self.strides(of: scope)
        let sizes = DeviceSizes(
            scope: scope, strides: strides, images: images, element: element, accelerators: accelerators)
        let taps = [Tap(value: graph.output, layout: .natural)] + graph.taps.keys.sorted().compactMap { graph.taps[$0] }

        let lifetimes = Liveness.lifetimes(of: graph, parts: scope.parts)
        let momentReaders = sizes.momentReaders
        let last = graph.nodes.count
        var requests: [ArenaRequest] = []
        /// The index of a new request, or nil where no memory is needed.
        func request(_ bytes: Int, _ lifetime: ClosedRange<Int>?) -> Int? {
            guard bytes > 0, let lifetime else { return nil }
            requests.append(ArenaRequest(size: (bytes + Self.unit - 1) / Self.unit, lifetime: lifetime))
            return requests.count - 1
        }
        var (values, moments, scratch, inputs): ([Int?], [Int?], [Int?], [Int?]) = ([], [], [], [])
        for index in graph.nodes.indices {
            values.append(request(sizes.bytes(of: index), lifetimes[index]))
            moments.append(
                momentReaders[index].flatMap { request(sizes.momentBytes(of: Value(index: index)), index...$0) })
            scratch.append(request(sizes.scratchBytes(of: index), index...index))
            inputs.append(request(sizes.inputBytes(of: index), 0...index))
        }
        let results = taps.map { tap in
            request(max(1, images * scope.shapes[tap.value.index].count * 4), tap.value.index...last)
        }
        let packed = ArenaPacking.pack(requests)
        func places(_ requests: [Int?]) -> [Int?] { requests.map { $0.map { packed.offsets[$0] * Self.unit } } }
        self.scope = scope
        self.images = images
        self.element = element
        self.accelerators = accelerators
        self.strides = strides
        arenaBytes = packed.size * Self.unit
        offsets = places(values)
        momentOffsets = places(moments)
        scratchOffsets = places(scratch)
        inputOffsets = places(inputs)
        self.inputs = zip(graph.nodes.indices, places(inputs)).compactMap { index, offset in
            guard let offset, let name = graph.nodes[index].operation.inputName else { return nil }
            return DevicePlan.Transfer(name: name, offset: offset, count: sizes.inputBytes(of: index) / 4 / images)
        }
        self.results = zip(taps, places(results)).map { tap, offset in
            DevicePlan.Transfer(name: "", offset: offset ?? 0, count: scope.shapes[tap.value.index].count)
        }
        resultShapes = taps.map { scope.resultShape($0) }
        resultValues = taps.map(\.value)
    }

    /// Bytes of a unit of the packing, of which it aligns everything to sixteen: 256 bytes, as allocations are.
    private static let unit = 16

    /// See ``strides``: channels padded to eight. The four pixels that an interleaved map comes from start at blocks of
    /// sixteen, so it is padded to sixteen.
    private static func strides(of scope: CompiledGraph.Scope) -> [[Int]] {
        ConcatElimination.deviceStrides(of: scope.graph, runs: scope.runs)
    }

    var sizes: DeviceSizes {
        DeviceSizes(scope: scope, strides: strides, images: images, element: element, accelerators: accelerators)
    }

    // MARK: Places

    func invalid(_ value: Value, _ message: String) -> UD2MError {
        UD2MError(.graphInvalid, "Node \(value.index) (\(scope.graph[value].operation)): \(message)")
    }

    /// Where a value's own memory starts.
    /// - Throws: `graph-invalid` for a concatenation.
    func place(_ value: Value) throws -> Int {
        guard let offset = offsets[value.index] else { throw invalid(value, "has no memory.") }
        return offset
    }

    /// Where a convolution leaves its moments; nil when nothing reads them.
    func moments(_ value: Value) -> Int? { momentOffsets[value.index] }

    /// The memory that a node needs only while it runs.
    /// - Throws: `graph-invalid` when it needs none.
    func scratch(_ value: Value) throws -> Int {
        guard let offset = scratchOffsets[value.index] else { throw invalid(value, "has no scratch memory.") }
        return offset
    }

    /// Where an input arrives.
    func input(_ value: Value) throws -> Int {
        guard let offset = inputOffsets[value.index] else { throw invalid(value, "is no input.") }
        return offset
    }

    /// The buffers of a map, those of a concatenation's parts one after the other.
    /// - Throws: `graph-invalid`, or `cuda-unsupported` for more than the kernels take.
    func parts(_ value: Value) throws -> [DevicePart] {
        var result: [DevicePart] = []
        for part in scope.parts[value.index] {
            var offset = try place(part)
            for (channels, stride) in zip(scope.runs[part.index], strides[part.index]) {
                result.append(DevicePart(offset: offset, channels: channels, stride: stride))
                offset += images * scope.shapes[part.index].positions * stride * element.size
            }
        }
        guard result.count <= Int(UD2M_CUDA_PARTS) else {
            throw UD2MError(
                .cudaUnsupported, "A map of \(result.count) concatenated parts is more than the device's kernels take.",
                remedy: "Use --device cpu.")
        }
        return result
    }

    /// The only buffer of a map.
    func part(_ value: Value) throws -> DevicePart {
        let parts = try parts(value)
        guard parts.count == 1 else { throw invalid(value, "is a concatenation where a device needs one map.") }
        return parts[0]
    }

    func size(_ value: Value) throws -> (height: Int, width: Int) {
        guard case .map(_, let height, let width) = scope.shapes[value.index] else {
            throw invalid(value, "is no map.")
        }
        return (height, width)
    }

    /// Elements of a pixel of all parts of a map.
    func slots(_ value: Value) -> Int { strides[value.index].reduce(0, +) }

    /// Values from one vector of a batch to the next.
    func vectorStride(_ value: Value) -> Int { DeviceSizes.vectorStride(scope.shapes[value.index].channels) }
}

extension ConcatElimination {
    /// For every map, the elements of a pixel of each of its runs on a device.
    static func deviceStrides(of graph: Graph, runs: [[Int]]) -> [[Int]] {
        func padded(_ channels: Int, to multiple: Int) -> Int { (channels + multiple - 1) / multiple * multiple }
        let isMap = graph.areMaps
        var strides: [[Int]] = []
        for (index, node) in graph.nodes.enumerated() {
            switch node.operation {
            case _ where !isMap[index]: strides.append([])
            case .image, .external, .convolution, .attention:
                strides.append(runs[index].map { padded($0, to: Int(UD2M_CUDA_CHANNELS)) })
            case .interleave: strides.append(runs[index].map { padded($0, to: Int(UD2M_LANES)) })
            case .concat: strides.append(node.inputs.flatMap { strides[$0.index] })
            case .add where isMap[node.inputs[1].index]:
                // What only pads the wider operand is not read.
                strides.append(zip(strides[node.inputs[0].index], strides[node.inputs[1].index]).map { min($0, $1) })
            default: strides.append(strides[node.inputs[0].index])
            }
        }
        return strides
    }
}

extension ValueShape {
    /// Values of one item.
    var count: Int { channels * positions }
}

extension Operation {
    /// The input that an operation brings in.
    var inputName: String? {
        switch self {
        case .image(let name, _), .timestepEmbedding(let name, _), .classEmbedding(let name, _): name
        default: nil
        }
    }
}
