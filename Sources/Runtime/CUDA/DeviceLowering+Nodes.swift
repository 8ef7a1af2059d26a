import CUD2MCUDA
import UD2MFormats

extension DeviceLowering {
    /// Lowers a node.
    mutating func lower(_ value: Value) throws {
        let node = scope.graph[value]
        switch node.operation {
        case .image: try lowerImage(value)
        case .timestepEmbedding(_, let embedding): try lowerTimestep(value, embedding)
        case .classEmbedding(_, let table): try lowerClass(value, table)
        case .external(let name, let channels): try lowerExternal(value, node, name, channels: channels)
        case .convolution(let convolution): try lowerConvolution(value, node, convolution)
        case .interleave: try lowerInterleave(value, node)
        case .linear(let linear): try lowerLinear(value, node, linear)
        case .normCoefficients(let norm): try lowerNorm(value, node, norm)
        case .vectorCoefficients(let kind): try lowerCoefficients(value, node, kind)
        case .load: try lowerLoad(value, try map(node))
        case .resample(.nearestUp):
            var map = try map(node)
            map.isUpsampled = true
            try lowerLoad(value, map)
        case .resample(.averageDown): try lowerPool(value, node, .average(window: 2, stride: 2))
        case .pool(let pooling): try lowerPool(value, node, pooling)
        case .globalAverage: try lowerAverage(value, node)
        case .flatten:
            try flatten(
                value, try plainMap(node.inputs[0]), to: .arena(try layout.place(value)),
                stride: layout.vectorStride(value))
        case .resizeBilinear: try lowerResize(value, node)
        case .attention(let attention): try lowerAttention(value, node, attention)
        case .activation(let activation):
            try vector(value, left: .arena(try layout.place(node.inputs[0])), activation: activation)
        case .add: try lowerAdd(value, node)
        case .shiftedBias(let name, _):
            try vector(
                value, left: .weight(name), leftStride: 0, right: .arena(try layout.place(node.inputs[0])),
                rightStride: layout.vectorStride(node.inputs[0]))
        case .concat: break
        case .groupNorm, .modulate, .scale: throw layout.invalid(value, "was left over by the passes.")
        }
    }

    /// Copies a result to where it is handed out.
    mutating func deliver(_ value: Value, to transfer: DevicePlan.Transfer) throws {
        guard case .map = scope.shapes[value.index] else {
            let stride = layout.vectorStride(value)
            try vector(
                value, left: .arena(try layout.place(value)), leftStride: stride, to: .arena(transfer.offset),
                stride: transfer.count)
            return
        }
        try flatten(value, try plainMap(value), to: .arena(transfer.offset), stride: transfer.count)
    }

    private mutating func lowerImage(_ value: Value) throws {
        try pack(value, from: try layout.input(value))
    }

    /// Planar values at an offset of the arena, to a value's map.
    mutating func pack(_ value: Value, from offset: Int) throws {
        let (height, width) = try layout.size(value)
        let (part, images) = (try layout.part(value), images)
        let grid = DeviceGrid(
            x: wholeBlocks(height * width, of: 32), y: wholeBlocks(part.stride, of: 32), z: images)
        let planar = images * part.channels * height * width * 4
        try emitTyped(value, "pack", grid, Traffic(read: planar, written: bytes(value))) { at in
            structureBytes(
                ud2m_cuda_pack(
                    input: try at.floats(.arena(offset)), output: try part.structure(at), images: Int32(images),
                    pixels: Int32(height * width)))
        }
    }

    /// A map in the order C, H, W.
    mutating func flatten(_ value: Value, _ map: DeviceMap, to target: DevicePlace, stride: Int) throws {
        let images = images
        let grid = DeviceGrid(x: wholeBlocks(map.pixels, of: 32), y: wholeBlocks(map.slots, of: 32), z: images)
        let channels = map.parts.reduce(0) { $0 + $1.channels }
        let traffic = Traffic(read: bytes(map), written: images * channels * map.pixels * 4)
        try emitTyped(value, "flatten", grid, traffic) { at in
            structureBytes(
                ud2m_cuda_flatten(
                    input: try map.structure(at), images: Int32(images), output: try at.floats(target),
                    output_stride: Int32(stride)))
        }
    }

    private mutating func lowerTimestep(_ value: Value, _ embedding: TimestepEmbedding) throws {
        let (input, output, stride) = (try layout.input(value), try layout.place(value), layout.vectorStride(value))
        let images = images
        try emit(value, "timestep_embedding", DeviceGrid(x: images), Traffic(read: images * 4, written: bytes(value))) {
            at in
            structureBytes(
                ud2m_cuda_timestep(
                    timesteps: try at.floats(.arena(input)), output: try at.floats(.arena(output)),
                    images: Int32(images), width: Int32(embedding.width),
                    cosine_first: embedding.isCosineFirst ? 1 : 0, frequency_shift: Int32(embedding.frequencyShift),
                    output_stride: Int32(stride)))
        }
    }

    private mutating func lowerClass(_ value: Value, _ table: ClassEmbedding) throws {
        let (input, output, stride) = (try layout.input(value), try layout.place(value), layout.vectorStride(value))
        let images = images
        let traffic = Traffic(read: bytes(value) + images * 4, written: bytes(value))
        try emit(value, "class_embedding", DeviceGrid(x: images), traffic) { at in
            structureBytes(
                ud2m_cuda_class_embedding(
                    labels: try at.floats(.arena(input)), table: try at.floats(.weight(table.weight)),
                    output: try at.floats(.arena(output)), images: Int32(images), width: Int32(table.width),
                    output_stride: Int32(stride)))
        }
    }

    private mutating func lowerExternal(_ value: Value, _ node: Node, _ name: String, channels: Int) throws {
        var offset = try layout.scratch(value)
        var call = DeviceExternalCall(name: name, inputs: [], output: .init(offset: offset, shape: []))
        for operand in node.inputs {
            let (height, width) = try layout.size(operand)
            let shape = [scope.shapes[operand.index].channels, height, width]
            try flatten(value, try plainMap(operand), to: .arena(offset), stride: shape.reduce(1, *))
            call.inputs.append(.init(offset: offset, shape: shape))
            offset += images * shape.reduce(4, *)
        }
        let (height, width) = try layout.size(value)
        call.output = .init(offset: offset, shape: [channels, height, width])
        append(external: call)
        try pack(value, from: offset)
    }

    private mutating func lowerInterleave(_ value: Value, _ node: Node) throws {
        let (input, output) = (try layout.part(node.inputs[0]), try layout.part(value))
        let (height, width) = try layout.size(node.inputs[0])
        guard input.stride == 4 * output.stride else { throw layout.invalid(value, "has pixels of another size.") }
        let images = images
        let grid = anyGrid(pixels: 4 * height * width, slots: output.stride)
        try emitTyped(value, "interleave", grid, Traffic(read: bytes(node.inputs[0]), written: bytes(value))) { at in
            structureBytes(
                ud2m_cuda_interleave(
                    input: try input.structure(at), output: try output.structure(at), images: Int32(images),
                    height: Int32(height), width: Int32(width)))
        }
    }

    private mutating func lowerLoad(_ value: Value, _ map: DeviceMap) throws {
        append([try load(value, map, to: layout.parts(value))])
    }

    /// A copy of a map, read through its transforms, to parts of the same channels.
    func load(_ value: Value, _ map: DeviceMap, to outputs: [DevicePart]) throws -> DeviceLaunch {
        let images = images
        let widest = map.parts.reduce(0) { max($0, $1.stride) }
        let grid = anyGrid(pixels: map.pixels, slots: widest, parts: map.parts.count)
        let written = images * map.pixels * map.slots * element.size
        let traffic = Traffic(read: bytes(map), written: written)
        return try launch(value, "load_\(element.rawValue)", grid, traffic) { at in
            var task = ud2m_cuda_load()
            task.input = try map.structure(at)
            task.images = Int32(images)
            fill(&task.outputs, try outputs.map { try $0.structure(at) })
            return structureBytes(task)
        }
    }

    private mutating func lowerPool(_ value: Value, _ node: Node, _ pooling: Pooling) throws {
        let (map, outputs, images) = (try map(node), try layout.parts(value), images)
        let (height, width) = try layout.size(value)
        let (kind, window, step, padding) =
            switch pooling {
            case .maximum(let window, let stride, let padding, _): (0, window, stride, padding)
            case .average(let window, let stride, let padding): (1, window, stride, padding)
            case .adaptiveAverage: (2, 0, 0, 0)
            }
        let widest = outputs.reduce(0) { max($0, $1.stride) }
        let grid = anyGrid(pixels: height * width, slots: widest, parts: outputs.count)
        try emitTyped(value, "pool", grid, Traffic(read: bytes(map), written: bytes(value))) { at in
            var task = ud2m_cuda_pool()
            task.input = try map.structure(at)
            task.images = Int32(images)
            (task.kind, task.window, task.step, task.padding) = (
                Int32(kind), Int32(window), Int32(step), Int32(padding)
            )
            fill(&task.outputs, try outputs.map { try $0.structure(at) })
            (task.output_height, task.output_width) = (Int32(height), Int32(width))
            return structureBytes(task)
        }
    }

    private mutating func lowerAverage(_ value: Value, _ node: Node) throws {
        let (map, images) = (try map(node), images)
        let (output, stride) = (try layout.place(value), layout.vectorStride(value))
        let grid = DeviceGrid(x: wholeBlocks(map.slots, of: 32), y: images)
        try emitTyped(value, "global_average", grid, Traffic(read: bytes(map), written: bytes(value))) { at in
            structureBytes(
                ud2m_cuda_global_average(
                    input: try map.structure(at), images: Int32(images), output: try at.floats(.arena(output)),
                    output_stride: Int32(stride)))
        }
    }

    private mutating func lowerResize(_ value: Value, _ node: Node) throws {
        let (input, output, images) = (try layout.part(node.inputs[0]), try layout.part(value), images)
        let (from, to) = (try layout.size(node.inputs[0]), try layout.size(value))
        let grid = anyGrid(pixels: to.height * to.width, slots: output.stride)
        try emitTyped(value, "resize_bilinear", grid, Traffic(read: bytes(node.inputs[0]), written: bytes(value))) {
            at in
            structureBytes(
                ud2m_cuda_resize(
                    input: try input.structure(at), output: try output.structure(at), images: Int32(images),
                    height: Int32(from.height), width: Int32(from.width), output_height: Int32(to.height),
                    output_width: Int32(to.width)))
        }
    }

    private mutating func lowerAdd(_ value: Value, _ node: Node) throws {
        let (left, right) = (node.inputs[0], node.inputs[1])
        guard case .map(_, let height, let width) = scope.shapes[value.index] else {
            try vector(
                value, left: .arena(try layout.place(left)), right: .arena(try layout.place(right)),
                rightStride: layout.vectorStride(right))
            return
        }
        let operands = (try layout.parts(left), try layout.parts(right))
        guard operands.0.map(\.channels) == operands.1.map(\.channels) else {
            throw layout.invalid(value, "adds maps of different layouts.")
        }
        let images = images
        for ((left, right), output) in zip(zip(operands.0, operands.1), try layout.parts(value)) {
            // The kernel goes through the left operand's elements.
            let (first, second) = left.stride <= right.stride ? (left, right) : (right, left)
            let read = images * height * width * (first.stride + second.stride) * element.size
            let written = images * height * width * output.stride * element.size
            let grid = anyGrid(pixels: height * width, slots: first.stride)
            try emitTyped(value, "add", grid, Traffic(read: read, written: written)) { at in
                structureBytes(
                    ud2m_cuda_add(
                        left: try first.structure(at), right: try second.structure(at),
                        output: try output.structure(at), vector: nil, vector_stride: 0, images: Int32(images),
                        pixels: Int32(height * width)))
            }
        }
    }
}
