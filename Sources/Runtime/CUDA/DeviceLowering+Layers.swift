import CUD2MCUDA
import UD2MFormats

/// Layers with weights, normalisations, attention and vectors.
extension DeviceLowering {
    mutating func lowerConvolution(_ value: Value, _ node: Node, _ convolution: Convolution) throws {
        let task = try convolutionTask(value, node, convolution)
        let label = scope.label(of: value.index)
        let slots = task.map.slots
        let weightBytes =
            wholeBlocks(convolution.outputChannels, of: Int(UD2M_CUDA_CHANNELS)) * Int(UD2M_CUDA_CHANNELS)
            * convolution.kernelHeight * convolution.kernelWidth * slots * element.size
        let residualBytes = try node.residual.map { bytes(try plainMap($0)) } ?? 0
        let momentBytes = task.moments == nil ? 0 : images * task.momentTiles * task.output.stride * 8
        var traffic = Traffic(read: bytes(task.map) + weightBytes, flops: label.operations * Double(images))
        let finish = Traffic(read: residualBytes, written: bytes(value) + momentBytes)
        let kernel = try kernel(for: task)
        let description = try description(kernel)
        let pixels = task.outputHeight * task.outputWidth
        let grid = DeviceGrid(
            x: images * wholeBlocks(pixels, of: Int(description.tile_pixels)),
            y: wholeBlocks(task.output.stride, of: Int(description.tile_channels)), z: max(task.splits, 1))
        let partialBytes = task.splits * images * pixels * task.output.stride * 4
        traffic.read += task.splits > 1 ? 0 : finish.read
        traffic.written = task.splits > 1 ? partialBytes : finish.written
        var own = [try launch(value, kernel, grid, traffic) { at in structureBytes(try task.structure(at)) }]
        if task.splits > 1 {
            let sums = Traffic(read: partialBytes + finish.read, written: finish.written)
            own.append(try finishing("conv_finish", value, task, sums))
        }
        guard let product = layout.sizes.product(of: value.index, convolution) else { return append(own) }
        append(try self.product(value, task, product, own: own, finish: finish))
    }

    /// A launch of a kernel that finishes what lies in the partial sums of a convolution.
    func finishing(
        _ kernel: String, _ value: Value, _ task: DeviceConvolution, _ traffic: Traffic
    ) throws -> DeviceLaunch {
        let pixels = task.outputHeight * task.outputWidth
        let grid = DeviceGrid(x: images * wholeBlocks(pixels, of: 64), y: wholeBlocks(task.output.stride, of: 64))
        return try launch(value, "\(kernel)_\(element.rawValue)", grid, traffic) { at in
            structureBytes(try task.structure(at))
        }
    }

    private func convolutionTask(
        _ value: Value, _ node: Node, _ convolution: Convolution
    ) throws -> DeviceConvolution {
        let (height, width) = try layout.size(value)
        let bias = convolution.normalization?.bias ?? convolution.bias
        let splits = layout.sizes.splits(of: value.index, convolution)
        return DeviceConvolution(
            map: try map(node), convolution: convolution,
            bias: try node.bias.map { .arena(try layout.place($0)) } ?? bias.map { .weight($0) },
            biasStride: node.bias.map(layout.vectorStride) ?? 0, images: images, output: try layout.part(value),
            outputHeight: height, outputWidth: width, residual: try node.residual.map(layout.part),
            upsamplesResidual: node.upsamplesResidual, moments: layout.moments(value),
            momentTiles: DeviceSizes.momentTiles(pixels: height * width),
            partials: splits > 1 ? try layout.scratch(value) : nil, splits: splits > 1 ? splits : 0)
    }

    /// The kernel whose tiles suit a convolution; what a value is does not depend on it.
    private func kernel(for task: DeviceConvolution) throws -> String {
        func blocks(_ tilePixels: Int, _ tileChannels: Int) -> Int {
            images * wholeBlocks(task.outputHeight * task.outputWidth, of: tilePixels)
                * wholeBlocks(task.output.stride, of: tileChannels)
        }
        let fillsDevice = blocks(128, 128) >= DeviceSizes.multiprocessors
        guard element != .f32 else { return fillsDevice ? "conv_128x128_f32" : "conv_64x64_f32" }
        let tile =
            if task.output.stride <= 32, blocks(128, 32) >= DeviceSizes.multiprocessors {
                "128x32"
            } else if fillsDevice, task.splits == 0, task.output.stride > 64 {
                "128x128"
            } else {
                "64x64"
            }
        return "conv_\(task.map.isTransformed ? "transformed_" : "")\(tile)_\(element.rawValue)"
    }

    mutating func lowerLinear(_ value: Value, _ node: Node, _ linear: Linear) throws {
        let (input, output, images) = (try layout.place(node.inputs[0]), try layout.place(value), images)
        let strides = (layout.vectorStride(node.inputs[0]), layout.vectorStride(value))
        // A bias of the run, one an image, is added afterwards.
        let bias = node.bias == nil ? linear.bias : nil
        let grid = DeviceGrid(x: wholeBlocks(linear.outputs, of: 4), y: wholeBlocks(images, of: 4))
        let traffic = Traffic(
            read: bytes(node.inputs[0]) + linear.inputs * linear.outputs * element.size, written: bytes(value),
            flops: scope.label(of: value.index).operations * Double(images))
        var own = [
            try launch(value, "linear_\(element.rawValue)", grid, traffic) { at in
                structureBytes(
                    ud2m_cuda_linear(
                        weights: try at(.weight(linear.weight)), bias: try bias.flatMap { try at.floats(.weight($0)) },
                        input: try at.floats(.arena(input)), input_stride: Int32(strides.0),
                        output: try at.floats(.arena(output)), output_stride: Int32(strides.1), images: Int32(images),
                        inputs: Int32(linear.inputs), outputs: Int32(linear.outputs), activation: 0, slope: 0))
            }
        ]
        var sums: [DeviceLaunch] = []
        if let runBias = node.bias {
            sums = [
                try vectorLaunch(
                    value, left: .arena(output), leftStride: strides.1, right: .arena(try layout.place(runBias)),
                    rightStride: layout.vectorStride(runBias))
            ]
            own += sums
        } else if let bias {
            sums = [try vectorLaunch(value, left: .arena(output), leftStride: strides.1, right: .weight(bias))]
        }
        guard let product = try self.product(value, node, linear, own: own, after: sums) else { return append(own) }
        append(product)
    }

    /// Appends ``vectorLaunch(_:left:leftStride:right:rightStride:activation:to:stride:)``.
    mutating func vector(
        _ value: Value, left: DevicePlace, leftStride: Int? = nil, right: DevicePlace? = nil, rightStride: Int = 0,
        activation: Activation = .none, to target: DevicePlace? = nil, stride: Int? = nil
    ) throws {
        append([
            try vectorLaunch(
                value, left: left, leftStride: leftStride, right: right, rightStride: rightStride,
                activation: activation, to: target, stride: stride)
        ])
    }

    /// The sum of vectors, of which `right` may be missing, through an activation; to the value's own memory or another
    /// place. A stride of 0 repeats a vector for every image; one that is not given is the value's.
    func vectorLaunch(
        _ value: Value, left: DevicePlace, leftStride: Int? = nil, right: DevicePlace? = nil, rightStride: Int = 0,
        activation: Activation = .none, to target: DevicePlace? = nil, stride: Int? = nil
    ) throws -> DeviceLaunch {
        let own = layout.vectorStride(value)
        let output = try target ?? .arena(layout.place(value))
        let (count, images) = (scope.shapes[value.index].channels, images)
        let read = bytes(value) * (right == nil ? 1 : 2)
        let grid = DeviceGrid(x: min(wholeBlocks(count, of: 256), 64), y: images)
        return try launch(value, "vector", grid, Traffic(read: read, written: bytes(value))) { at in
            structureBytes(
                ud2m_cuda_vector(
                    left: try at.floats(left), right: try right.flatMap { try at.floats($0) },
                    output: try at.floats(output), left_stride: Int32(leftStride ?? own),
                    right_stride: Int32(rightStride), output_stride: Int32(stride ?? own), images: Int32(images),
                    count: Int32(count), activation: activation.deviceNumber, slope: activation.slope))
        }
    }

    mutating func lowerNorm(_ value: Value, _ node: Node, _ norm: GroupNorm) throws {
        let source = node.inputs[0]
        let (height, width) = try layout.size(source)
        let (pixels, images) = (height * width, images)
        let tiles = DeviceSizes.momentTiles(pixels: pixels)
        let moments = try moments(value, of: source, pixels: pixels)
        let parts = try layout.parts(source)
        let (slots, output) = (layout.slots(source), try layout.place(value))
        let modulation = try node.inputs.dropFirst().first.map {
            (offset: try layout.place($0), stride: layout.vectorStride($0))
        }
        let traffic = Traffic(
            read: images * tiles * slots * 8 + (modulation.map { images * $0.stride * 4 } ?? 0) + norm.channels * 8,
            written: images * slots * 8)
        try emit(value, "norm_coefficients", DeviceGrid(x: norm.groups, y: images), traffic) { at in
            var task = ud2m_cuda_norm()
            fill(&task.moments, try moments.map { try at.floats(.arena($0)) })
            fill(&task.channels, parts.map { Int32($0.channels) })
            fill(&task.strides, parts.map { Int32($0.stride) })
            (task.part_count, task.slots) = (Int32(parts.count), Int32(slots))
            (task.moment_tiles, task.images, task.pixels) = (Int32(tiles), Int32(images), Int32(pixels))
            (task.groups, task.epsilon) = (Int32(norm.groups), norm.epsilon)
            if let affine = norm.affine {
                task.weight = UnsafePointer(try at.floats(.weight(affine.weight)))
                task.bias = UnsafePointer(try at.floats(.weight(affine.bias)))
            }
            if let modulation {
                task.modulation = UnsafePointer(try at.floats(.arena(modulation.offset)))
                task.modulation_stride = Int32(modulation.stride)
            }
            task.output = try at.floats(.arena(output))
            return structureBytes(task)
        }
    }

    /// Where the moments of every part of a map lie; those that no convolution left are computed first.
    private mutating func moments(_ value: Value, of source: Value, pixels: Int) throws -> [Int] {
        let (tiles, images) = (DeviceSizes.momentTiles(pixels: pixels), images)
        var own = scope.parts[source.index].contains { layout.moments($0) == nil } ? try layout.scratch(value) : 0
        var places: [Int] = []
        for operand in scope.parts[source.index] {
            if let moments = layout.moments(operand) {
                places.append(moments)
                continue
            }
            for part in try layout.parts(operand) {
                let target = own
                let grid = DeviceGrid(x: tiles, y: images, z: wholeBlocks(part.stride, of: 128))
                let traffic = Traffic(
                    read: images * pixels * part.stride * element.size, written: images * tiles * part.stride * 8)
                try emitTyped(value, "moments", grid, traffic) { at in
                    structureBytes(
                        ud2m_cuda_moments(
                            part: try part.structure(at), images: Int32(images), pixels: Int32(pixels),
                            moments: try at.floats(.arena(target)), moment_tiles: Int32(tiles)))
                }
                places.append(target)
                own += images * tiles * part.stride * 8
            }
        }
        return places
    }

    mutating func lowerCoefficients(_ value: Value, _ node: Node, _ kind: VectorCoefficients) throws {
        let source = node.inputs[0]
        let (parts, images, slots) = (try layout.parts(source), images, layout.slots(source))
        let output = try layout.place(value)
        let (number, place, stride): (Int32, DevicePlace, Int) =
            switch kind {
            case .scaleShift: (0, .arena(try layout.place(node.inputs[1])), layout.vectorStride(node.inputs[1]))
            case .shift: (1, .arena(try layout.place(node.inputs[1])), layout.vectorStride(node.inputs[1]))
            case .weight(let name): (2, .weight(name), 0)
            }
        let traffic = Traffic(read: images * stride * 4, written: images * slots * 8)
        try emit(value, "vector_coefficients", DeviceGrid(x: images), traffic) { at in
            var task = ud2m_cuda_vector_coefficients()
            fill(&task.channels, parts.map { Int32($0.channels) })
            fill(&task.strides, parts.map { Int32($0.stride) })
            (task.part_count, task.slots) = (Int32(parts.count), Int32(slots))
            (task.images, task.kind) = (Int32(images), number)
            task.vector = UnsafePointer(try at.floats(place))
            task.vector_stride = Int32(stride)
            task.output = try at.floats(.arena(output))
            return structureBytes(task)
        }
    }

    mutating func lowerAttention(_ value: Value, _ node: Node, _ attention: Attention) throws {
        let head = attention.channels / attention.heads
        let (parts, images) = (try layout.parts(node.inputs[0]), images)
        // Queries, keys and values are maps of their own, or lie in one.
        guard parts.count == (attention.order == .separate ? 3 : 1) else {
            throw layout.invalid(value, "attends to a map of other parts.")
        }
        let (step, offsets) =
            switch attention.order {
            case .headMajor: (3 * head, [0, head, 2 * head])
            case .kindMajor: (head, [0, attention.channels, 2 * attention.channels])
            case .separate: (head, [0, 0, 0])
            }
        let (output, positions) = (try layout.part(value), scope.shapes[value.index].positions)
        let kernel = AttentionKernel(headChannels: head, element: element)
        let description = try description(kernel.name)
        let grid = DeviceGrid(
            x: wholeBlocks(positions, of: Int(description.tile_pixels)),
            y: attention.heads * wholeBlocks(head, of: Int(description.tile_channels)), z: images)
        let traffic = Traffic(
            read: bytes(node.inputs[0]), written: bytes(value),
            flops: scope.label(of: value.index).operations * Double(images))
        try emit(value, kernel.name, grid, sharedBytes: kernel.sharedBytes, traffic) { at in
            let operands = try parts.map { try $0.structure(at) }
            let (queries, keys, values) =
                operands.count == 3 ? (operands[0], operands[1], operands[2]) : (operands[0], operands[0], operands[0])
            return structureBytes(
                ud2m_cuda_attention(
                    queries: queries, keys: keys, values: values, query_offset: Int32(offsets[0]),
                    key_offset: Int32(offsets[1]), value_offset: Int32(offsets[2]), head_step: Int32(step),
                    images: Int32(images), positions: Int32(positions), heads: Int32(attention.heads),
                    head_channels: Int32(head), output: try output.structure(at)))
        }
    }
}
