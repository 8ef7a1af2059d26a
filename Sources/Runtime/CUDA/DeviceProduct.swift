import CUD2MCUDA

/// A layer that a library may compute in place of the kernels, before it has addresses.
struct DeviceProduct: Sendable {
    /// One call of the library.
    struct Call: Sendable {
        var shape: ProductShape
        var input: DevicePlace
        var weight: String
        /// Bytes from the start of the weight.
        var weightOffset: Int
        var output: DevicePlace
    }

    let accelerator: Accelerator
    /// What computes the layer without the library.
    let own: [DeviceLaunch]
    /// What applies the transforms of the input.
    let before: [DeviceLaunch]
    /// Calls that add up, those of the parts of a concatenation.
    let calls: [Call]
    /// Bias, residual, activation and moments.
    let after: [DeviceLaunch]
    /// Where the layer's result lies, for the comparison: bytes from the start of the arena.
    let resultOffset: Int
    let resultCount: Int
    /// Of the result.
    let resultElement: DeviceElement
    /// What the layer is called in reports.
    let label: String
}

/// What a call of a library is of: its algorithm depends on nothing else.
struct ProductShape: Sendable, Hashable {
    var accelerator: Accelerator
    var element: DeviceElement
    var images: Int
    var height: Int
    var width: Int
    var inputs: Int
    var inputStep: Int
    var outputs: Int
    var outputStep: Int
    var weightStep: Int
    // Of convolutions by cuDNN.
    var kernelHeight = 1
    var kernelWidth = 1
    var step = 1
    var padTop = 0
    var padLeft = 0
    var outputHeight = 1
    var outputWidth = 1

    /// As C takes it.
    var structure: ud2m_product_shape {
        ud2m_product_shape(
            element: element.deviceType, images: Int32(images), height: Int32(height), width: Int32(width),
            inputs: Int32(inputs), input_step: Int32(inputStep), outputs: Int32(outputs),
            output_step: Int32(outputStep), weight_step: Int32(weightStep), kernel_height: Int32(kernelHeight),
            kernel_width: Int32(kernelWidth), step: Int32(step), pad_top: Int32(padTop), pad_left: Int32(padLeft),
            output_height: Int32(outputHeight), output_width: Int32(outputWidth))
    }
}

extension DeviceElement {
    fileprivate var deviceType: ud2m_cuda_element {
        switch self {
        case .f16: UD2M_CUDA_F16
        case .bf16: UD2M_CUDA_BF16
        case .f32: UD2M_CUDA_F32
        }
    }
}

/// How a library computes a convolution, and what it needs besides while it does.
struct ConvolutionProduct {
    let accelerator: Accelerator
    /// Whether the input is first copied through its transforms.
    let loads: Bool
    /// Bytes of that copy.
    let loadedBytes: Int
    /// Of the product's elements; those of the maps, or float32.
    let productElement: DeviceElement
    private let productBytes: Int

    init(_ accelerator: Accelerator, loadedBytes: Int?, outputs: Int, element: DeviceElement) {
        self.accelerator = accelerator
        loads = loadedBytes != nil
        self.loadedBytes = loadedBytes ?? 0
        // cuDNN rounds products to the type of its maps.
        productElement = accelerator == .cublasLt ? .f32 : element
        productBytes = outputs * productElement.size
    }

    /// Where the product lies in the node's scratch memory.
    var productOffset: Int { wholeBlocks(loadedBytes, of: 256) * 256 }

    var scratchBytes: Int { productOffset + productBytes }
}

extension DeviceSizes {
    /// How a library computes a convolution; nil for those that the kernels compute: other kernels than 1×1 and 3×3, strides
    /// of 1×1 kernels, padding that is not the same on both sides, and 3×3 kernels on concatenations, which are never formed.
    func product(of index: Int, _ convolution: Convolution) -> ConvolutionProduct? {
        let node = scope.graph.nodes[index]
        guard !accelerators.isEmpty, strides[index].count == 1,
            strides[index][0] == wholeBlocks(convolution.outputChannels, of: channels) * channels,
            case .map(_, var height, var width) = scope.shapes[node.inputs[0].index],
            case .map(_, let outputHeight, let outputWidth) = scope.shapes[index]
        else { return nil }
        if node.loadsUpsampled { (height, width) = (2 * height, 2 * width) }
        let (parts, padding, stride) = (strides[node.inputs[0].index], convolution.padding, convolution.stride)
        let accelerator: Accelerator
        switch (convolution.kernelHeight, convolution.kernelWidth) {
        case (1, 1) where stride == 1 && (outputHeight, outputWidth) == (height, width):
            accelerator = .cublasLt
        case (3, 3)
        where parts.count == 1 && outputHeight == (height + 2 * padding.top - 3) / stride + 1
            && outputWidth == (width + 2 * padding.left - 3) / stride + 1:
            accelerator = .cudnn
        default: return nil
        }
        guard accelerators.contains(accelerator) else { return nil }
        let loads = node.coefficients != nil || node.loadActivation != .none || node.loadsUpsampled
        return ConvolutionProduct(
            accelerator, loadedBytes: loads ? images * height * width * parts.reduce(0, +) * element.size : nil,
            outputs: images * outputHeight * outputWidth * strides[index][0], element: element)
    }

    private var channels: Int { Int(UD2M_CUDA_CHANNELS) }
}

extension DeviceLowering {
    /// A convolution by a library: the kernels of `own` in other words. `finish` is what bias, residual and moments move.
    func product(
        _ value: Value, _ task: DeviceConvolution, _ product: ConvolutionProduct, own: [DeviceLaunch], finish: Traffic
    ) throws -> DeviceProduct {
        let scratch = try layout.scratch(value)
        let (map, convolution, images) = (task.map, task.convolution, images)
        let scale = map.isUpsampled ? 2 : 1
        var inputs = map.parts
        if product.loads {
            var offset = scratch
            for index in inputs.indices {
                inputs[index].offset = offset
                offset += images * map.pixels * inputs[index].stride * element.size
            }
        }
        let taps = convolution.kernelHeight * convolution.kernelWidth
        var (calls, slot): ([DeviceProduct.Call], Int) = ([], 0)
        for part in inputs {
            let shape = ProductShape(
                accelerator: product.accelerator, element: element, images: images, height: map.height * scale,
                width: map.width * scale, inputs: part.stride, inputStep: part.stride, outputs: task.output.stride,
                outputStep: task.output.stride, weightStep: taps * map.slots, kernelHeight: convolution.kernelHeight,
                kernelWidth: convolution.kernelWidth, step: convolution.stride, padTop: convolution.padding.top,
                padLeft: convolution.padding.left, outputHeight: task.outputHeight, outputWidth: task.outputWidth)
            calls.append(
                DeviceProduct.Call(
                    shape: shape, input: .arena(part.offset), weight: convolution.weight,
                    weightOffset: slot * element.size, output: .arena(scratch + product.productOffset)))
            slot += part.stride
        }
        var rest = task
        rest.partials = scratch + product.productOffset
        rest.splits = product.productElement == element ? 0 : 1
        let count = images * task.outputHeight * task.outputWidth * task.output.stride
        let traffic = Traffic(read: count * product.productElement.size + finish.read, written: finish.written)
        let kernel = product.productElement == element ? "conv_epilogue" : "conv_finish"
        return DeviceProduct(
            accelerator: product.accelerator, own: own,
            before: product.loads ? [try load(value, map, to: inputs)] : [], calls: calls,
            after: [try finishing(kernel, value, rest, traffic)], resultOffset: task.output.offset,
            resultCount: count, resultElement: element, label: label(value))
    }

    /// A linear layer by cuBLASLt, then `after`; nil for what the kernels compute: vectors are float32, so that with 16-bit
    /// weights, which would have to be of the same type, inputs would be rounded.
    func product(
        _ value: Value, _ node: Node, _ linear: Linear, own: [DeviceLaunch], after: [DeviceLaunch]
    ) throws -> DeviceProduct? {
        let (inputStep, outputStep) = (layout.vectorStride(node.inputs[0]), layout.vectorStride(value))
        // Whole vectors, so that all of the result is written.
        guard layout.accelerators.contains(.cublasLt), element == .f32, outputStep == linear.outputs else { return nil }
        let shape = ProductShape(
            accelerator: .cublasLt, element: element, images: images, height: 1, width: 1, inputs: linear.inputs,
            inputStep: inputStep, outputs: linear.outputs, outputStep: outputStep, weightStep: linear.inputs)
        let output = try layout.place(value)
        let call = DeviceProduct.Call(
            shape: shape, input: .arena(try layout.place(node.inputs[0])), weight: linear.weight, weightOffset: 0,
            output: .arena(output))
        return DeviceProduct(
            accelerator: .cublasLt, own: own, before: [], calls: [call], after: after, resultOffset: output,
            resultCount: images * outputStep, resultElement: .f32, label: label(value))
    }

    private func label(_ value: Value) -> String {
        let label = scope.label(of: value.index)
        return "\(label.kind) \(label.detail), \(images) × \(element.rawValue)"
    }
}
