import CUD2MKernels

extension CompiledGraph.Scope {
    /// Bytes of scratch memory that a node's kernel needs on `threads` threads, for `images` images together where it
    /// takes several.
    package func workspaceBytes(of index: Int, threads: Int, images: Int) -> Int {
        let node = graph.nodes[index]
        switch node.operation {
        case .convolution(let convolution):
            var arguments = convolutionArguments(index, convolution)
            arguments.images = Int32(images)
            // The kernel looks at these only to learn whether they are there.
            var moment = 0.0
            return withUnsafePointer(to: Float(0)) { present in
                withUnsafePointer(to: UnsafePointer<Float>?(present)) { presentBlocks in
                    withUnsafeMutablePointer(to: &moment) { presentMoments in
                        if node.coefficients != nil {
                            arguments.map.scale = present
                            arguments.map.shift = present
                        }
                        if node.residual != nil { arguments.residual = presentBlocks }
                        if momentReaders[index] != nil { arguments.moments = presentMoments }
                        return ud2m_conv2d_workspace(&arguments, Int32(threads))
                    }
                }
            }
        case .normCoefficients where takesMoments(index):
            return 0
        case .normCoefficients, .globalAverage:
            let map = planes(of: node.inputs[0])
            return ud2m_group_norm_workspace(map.block_count, map.height, map.width)
        case .attention(let attention):
            var arguments = attentionArguments(index, attention)
            return ud2m_attention_workspace(&arguments, Int32(threads))
        case .resizeBilinear:
            let floats = [shapes[index], shapes[node.inputs[0].index]].reduce(0) { $0 + $1.channels * $1.positions }
            return floats * MemoryLayout<Float>.stride
        default:
            return 0
        }
    }

    /// The sizes of a map's blocks, without pointers.
    package func planes(of value: Value) -> ud2m_planes {
        guard case .map(_, let height, let width) = shapes[value.index] else { return ud2m_planes() }
        return ud2m_planes(
            blocks: nil, block_count: Int32(blocks(of: value)), height: Int32(height), width: Int32(width))
    }

    /// A convolution's arguments, without pointers.
    package func convolutionArguments(_ index: Int, _ convolution: Convolution) -> ud2m_conv2d {
        let node = graph.nodes[index]
        var arguments = ud2m_conv2d()
        arguments.images = 1
        arguments.input = planes(of: node.inputs[0])
        arguments.map.activation = node.loadActivation.kernelActivation
        arguments.map.slope = node.loadActivation.slope
        arguments.upsample = node.loadsUpsampled ? 2 : 1
        arguments.kernel_height = Int32(convolution.kernelHeight)
        arguments.kernel_width = Int32(convolution.kernelWidth)
        arguments.stride = Int32(convolution.stride)
        arguments.pad_top = Int32(convolution.padding.top)
        arguments.pad_left = Int32(convolution.padding.left)
        arguments.pad_bottom = Int32(convolution.padding.bottom)
        arguments.pad_right = Int32(convolution.padding.right)
        arguments.activation = convolution.activation.kernelActivation
        arguments.slope = convolution.activation.slope
        arguments.residual_upsample = node.upsamplesResidual ? 2 : 1
        arguments.output_blocks = Int32(blocks(of: Value(index: index)))
        let output = planes(of: Value(index: index))
        arguments.algorithm = AlgorithmChoice(
            convolution: convolution,
            shape: .init(
                inputBlocks: Int(arguments.input.block_count), outputBlocks: Int(output.block_count),
                height: Int(output.height), width: Int(output.width))
        ).algorithm(policy)
        return arguments
    }

    /// The arguments of an attention, without pointers.
    package func attentionArguments(_ index: Int, _ attention: Attention) -> ud2m_attention {
        let operand = graph.nodes[index].inputs[0]
        let channels = Int32(attention.channels)
        let head = channels / Int32(attention.heads)
        var arguments = ud2m_attention()
        arguments.qkv_blocks = Int32(blocks(of: operand))
        arguments.tokens = Int32(shapes[operand.index].positions)
        arguments.heads = Int32(attention.heads)
        arguments.head_channels = head
        arguments.query_offset = 0
        arguments.key_offset =
            switch attention.order {
            case .headMajor: head
            case .kindMajor: channels
            case .separate: Int32(blockCount(attention.channels)) * UD2M_LANES
            }
        arguments.value_offset = 2 * arguments.key_offset
        arguments.head_stride = attention.order == .headMajor ? 3 * head : head
        arguments.scale = 1 / Float(head).squareRoot()
        return arguments
    }
}
