import CUD2MKernels
import UD2MFormats

/// Times the algorithms of a plan's convolutions on the memory of the plan; what lies there afterwards is of no use.
struct AlgorithmMeasurement {
    let pool: OpaquePointer?
    let plan: ExecutionPlan

    /// Timed runs of each algorithm, of which the fastest counts.
    private static let runs = 3

    /// Measures every shape once.
    /// - Throws: `memory-exhausted`, `graph-invalid`.
    func table() throws -> AlgorithmTable {
        var entries: [AlgorithmTable.Entry] = []
        for arguments in plan.convolutions {
            guard let shape = shape(arguments), !entries.contains(where: { $0.shape == shape }) else { continue }
            entries.append(.init(shape: shape, seconds: try seconds(arguments)))
        }
        return AlgorithmTable(
            instructionSet: InstructionSet.current, threads: Int(ud2m_pool_threads(pool)), entries: entries)
    }

    /// The shape of a convolution that has a choice.
    private func shape(_ arguments: ud2m_conv2d) -> AlgorithmTable.Shape? {
        guard (arguments.kernel_height, arguments.kernel_width, arguments.stride) == (3, 3, 1) else { return nil }
        var arguments = arguments
        var (height, width): (Int32, Int32) = (0, 0)
        guard ud2m_conv2d_output_size(&arguments, &height, &width) == UD2M_STATUS_OK else { return nil }
        return AlgorithmTable.Shape(
            inputBlocks: Int(arguments.input.block_count), outputBlocks: Int(arguments.output_blocks),
            height: Int(height), width: Int(width))
    }

    private func seconds(_ convolution: ud2m_conv2d) throws -> [String: Double] {
        var seconds: [String: Double] = [:]
        // Weights that are not packed cannot be multiplied directly.
        for algorithm in AlgorithmTable.Algorithm.allCases where algorithm != .direct || convolution.weights != nil {
            var arguments = convolution
            arguments.images = 1
            arguments.algorithm = algorithm.kernelAlgorithm
            let bytes = ud2m_conv2d_workspace(&arguments, ud2m_pool_threads(pool))
            let workspace = try FloatBuffer(count: (bytes + 3) / 4)
            // The first run is not timed: it touches the memory.
            let times = try (0...Self.runs).map { _ in
                let start = ContinuousClock.now
                try requireOK(ud2m_conv2d_run(pool, &arguments, workspace.base), "timing a convolution")
                return (ContinuousClock.now - start).seconds
            }
            seconds[algorithm.rawValue] = times.dropFirst().min()
        }
        return seconds
    }
}
