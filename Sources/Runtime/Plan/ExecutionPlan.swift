import CUD2MKernels
import UD2MFormats

/// A compiled graph bound to memory: a list of kernel calls on fixed addresses.
///
/// Running it allocates nothing. A few items of a batch run together, each in an arena of its own: convolutions take all
/// of them at once and share the work on the weights, other kernels one after the other. An item's result does not
/// depend on the batch it is in.
package final class ExecutionPlan {
    /// One kernel call.
    enum Step {
        case packImage(input: Int, channels: Int, height: Int, width: Int, Blocks)
        case timestepEmbedding(input: Int, TimestepEmbedding, UnsafeMutablePointer<Float>)
        case classEmbedding(input: Int, table: UnsafePointer<Float>, width: Int, UnsafeMutablePointer<Float>)
        case external(ExternalCall)
        case convolution(ud2m_conv2d, workspace: UnsafeMutableRawPointer?)
        case groupNorm(ud2m_group_norm, workspace: UnsafeMutableRawPointer?)
        case interleave(ud2m_planes, Blocks)
        case coefficients(VectorCoefficients, from: UnsafePointer<Float>, runs: Runs, ud2m_input_map.Outputs)
        case load(ud2m_planes, ud2m_input_map, Blocks)
        case pool(ud2m_pool2d)
        case globalAverage(ud2m_planes, runs: Runs, UnsafeMutablePointer<Float>, workspace: UnsafeMutableRawPointer?)
        case flatten(BlockMap, UnsafeMutablePointer<Float>)
        case nearestUp(ud2m_planes, ud2m_input_map, Blocks)
        case resizeBilinear(Resize)
        case attention(ud2m_attention, workspace: UnsafeMutableRawPointer?)
        case linear(ud2m_linear)
        case activate(Activation, UnsafePointer<Float>, UnsafeMutablePointer<Float>, count: Int)
        case add(UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, count: Int)
        case clear(UnsafeMutablePointer<Float>, count: Int)
        case deliverMap(output: Int, BlockMap)
        case deliverVector(output: Int, UnsafePointer<Float>, count: Int)
    }

    typealias Blocks = UnsafePointer<UnsafeMutablePointer<Float>?>
    typealias ReadOnlyBlocks = UnsafePointer<UnsafePointer<Float>?>
    typealias Runs = UnsafeBufferPointer<Int32>

    /// A bilinear resize and its planar scratch memory.
    struct Resize {
        var source: ReadOnlyBlocks
        var sourceSize: (height: Int32, width: Int32)
        var channels: Int32
        var scratch: UnsafeMutablePointer<Float>
        var result: Blocks
        var resultSize: (height: Int32, width: Int32)
    }

    /// The inputs that steps name by index.
    package let inputNames: [String]
    /// The names of the results: "out", then the taps in alphabetical order.
    package let resultNames: [String]
    /// The shapes of the results of one item, in the same order.
    package let resultShapes: [[Int]]
    /// The steps of every item that runs together with others.
    private var steps: [[Step]]
    /// What each step is called in a profile.
    private let labels: [StepLabel]
    /// Those that read weights of adapters; nil for a plan without.
    private var adapted: AdaptedSteps?
    private let tables: PointerTables

    init(
        inputNames: [String], resultNames: [String], resultShapes: [[Int]], steps: [[Step]], labels: [StepLabel],
        adapted: AdaptedSteps?,
        tables: PointerTables
    ) {
        self.inputNames = inputNames
        self.resultNames = resultNames
        self.resultShapes = resultShapes
        self.steps = steps
        self.labels = labels
        self.adapted = adapted
        self.tables = tables
    }

    /// The convolutions of one item, in order.
    var convolutions: [ud2m_conv2d] {
        steps[0].compactMap { if case .convolution(let arguments, _) = $0 { arguments } else { nil } }
    }

    /// The most items that run together.
    package var capacity: Int { steps.count }

    /// Runs the steps on at most ``capacity`` items.
    /// - Parameters:
    ///   - pool: the kernels' threads.
    ///   - inputs: batches by name, already validated.
    ///   - items: the items' indices in the batch.
    ///   - adapters: those of every item, of the structure that the plan was made for; none for a plan without.
    ///   - external: the functions of external operations by name.
    ///   - outputs: buffers for batches of the results, in the order of ``resultShapes``.
    ///   - profile: where the steps' times are added.
    /// - Throws: `graph-invalid` when a kernel refuses its arguments; `input-missing` or `external-result` for an
    ///   external operation, and what its function throws.
    package func run(
        pool: OpaquePointer?, inputs: [String: Tensor], items: some Collection<Int>, adapters: [AdapterSet] = [],
        external: [String: ExternalFunction] = [:], outputs: inout [[Float]], profile: OperationProfile? = nil
    ) throws {
        let call = Call(pool: pool, inputs: inputs, items: items, external: external)
        for (image, set) in adapters.enumerated() { try adapted?.bind(image, to: set, in: &steps[image]) }
        let apart = adapters.allSatisfy { $0 === adapters.first } ? [] : adapted?.indices ?? []
        guard let profile else {
            for index in labels.indices { try run(index, call, isApart: apart.contains(index), &outputs) }
            return
        }
        let seconds = try labels.indices.map { index in
            let start = ContinuousClock.now
            try run(index, call, isApart: apart.contains(index), &outputs)
            return (ContinuousClock.now - start).seconds
        }
        profile.add(seconds, of: labels, items: items.count)
    }

    /// What all steps of a run share.
    private struct Call<Items: Collection<Int>> {
        let pool: OpaquePointer?
        let inputs: [String: Tensor]
        let items: Items
        let external: [String: ExternalFunction]
    }

    /// Runs the step of an index on all items; `isApart` when their weights differ.
    private func run(_ index: Int, _ call: Call<some Collection<Int>>, isApart: Bool, _ outputs: inout [[Float]]) throws
    {
        if case .convolution(var arguments, let workspace) = steps[0][index], !isApart {
            arguments.images = Int32(call.items.count)
            try requireOK(ud2m_conv2d_run(call.pool, &arguments, workspace), "convolving")
            return
        }
        for (steps, item) in zip(steps, call.items) { try run(steps[index], call, item, &outputs) }
    }

    /// The values of an input's whole batch.
    private func values(_ input: Int, _ call: Call<some Collection<Int>>) throws -> [Float] {
        guard let tensor = call.inputs[inputNames[input]] else {
            throw UD2MError(.inputMissing, "The network needs this input.", at: .init(tensor: inputNames[input]))
        }
        return tensor.values
    }

    private func run(
        _ step: Step, _ call: Call<some Collection<Int>>, _ item: Int, _ outputs: inout [[Float]]
    ) throws {
        let pool = call.pool
        switch step {
        case .packImage(let input, let channels, let height, let width, let blocks):
            try values(input, call).withUnsafeBufferPointer { values in
                let start = values.baseAddress.map { $0 + item * channels * height * width }
                ud2m_pack_planes(pool, start, Int32(channels), Int32(height), Int32(width), blocks)
            }
        case .timestepEmbedding(let input, let embedding, let output):
            let status = ud2m_timestep_embedding(
                try values(input, call)[item], Int32(embedding.width),
                embedding.isCosineFirst ? UD2M_TIMESTEP_COSINE_FIRST : UD2M_TIMESTEP_SINE_FIRST,
                Int32(embedding.frequencyShift), output)
            try requireOK(status, "embedding the timestep")
        case .external(let function): try function.run(pool, item: item, call.external)
        case .classEmbedding(let input, let table, let width, let output):
            let row = Int(try values(input, call)[item])
            output.update(from: table + row * width, count: width)
        case .deliverMap(let output, let map):
            let stride = resultShapes[output].reduce(1, *)
            outputs[output].withUnsafeMutableBufferPointer { values in
                if let start = values.baseAddress { map.unpack(pool, to: start + item * stride) }
            }
        case .deliverVector(let output, let vector, let count):
            outputs[output].withUnsafeMutableBufferPointer { values in
                values.baseAddress.map { ($0 + item * count).update(from: vector, count: count) }
            }
        default:
            try step.runOnArena(pool)
        }
    }
}

extension ExecutionPlan.Step {
    /// Runs a step of one item that touches neither inputs nor outputs of the network.
    fileprivate func runOnArena(_ pool: OpaquePointer?) throws {
        switch self {
        case .groupNorm(var arguments, let workspace):
            try requireOK(ud2m_group_norm_run(pool, &arguments, workspace), "normalising")
        case .coefficients(let kind, let vector, let runs, let outputs):
            outputs.write(kind, from: vector, runs: runs)
        case .load(var planes, var map, let output):
            try requireOK(ud2m_map_planes(pool, &planes, &map, output), "mapping")
        case .interleave(var planes, let output):
            try requireOK(ud2m_interleave2(pool, &planes, output), "interleaving")
        case .pool(var arguments):
            try requireOK(ud2m_pool2d_run(pool, &arguments), "pooling")
        case .globalAverage(var planes, let runs, let output, let workspace):
            let status = ud2m_global_average(
                pool, &planes, runs.baseAddress, Int32(runs.count), output, workspace)
            try requireOK(status, "averaging")
        case .flatten(let map, let output):
            map.unpack(pool, to: output)
        case .nearestUp(var planes, var map, let output):
            try requireOK(ud2m_upsample_nearest2(pool, &planes, &map, output), "enlarging")
        case .resizeBilinear(let resize):
            try resize.run(pool)
        case .convolution(var arguments, let workspace):
            arguments.images = 1
            try requireOK(ud2m_conv2d_run(pool, &arguments, workspace), "convolving")
        case .attention(var arguments, let workspace):
            try requireOK(ud2m_attention_run(pool, &arguments, workspace), "attending")
        case .linear(var arguments):
            try requireOK(ud2m_linear_run(pool, &arguments), "multiplying")
        case .activate(let activation, let input, let output, let count):
            ud2m_activate(pool, input, output, count, activation.kernelActivation, activation.slope)
        case .add(let left, let right, let output, let count):
            ud2m_add(pool, left, right, output, count)
        case .clear(let output, let count):
            output.update(repeating: 0, count: count)
        case .packImage, .timestepEmbedding, .classEmbedding, .external, .deliverMap, .deliverVector:
            break
        }
    }
}

extension ExecutionPlan.Resize {
    /// Unpacks, resizes and packs.
    fileprivate func run(_ pool: OpaquePointer?) throws {
        let target = scratch + Int(channels) * Int(sourceSize.height) * Int(sourceSize.width)
        ud2m_unpack_planes(pool, source, channels, sourceSize.height, sourceSize.width, scratch)
        let status = ud2m_resize_bilinear(
            pool, scratch, channels, sourceSize.height, sourceSize.width, target, resultSize.height, resultSize.width)
        try requireOK(status, "resizing")
        ud2m_pack_planes(pool, target, channels, resultSize.height, resultSize.width, result)
    }
}

extension ud2m_input_map {
    /// Where the scales and shifts of a map are written, a value a slot.
    struct Outputs {
        var scale: UnsafeMutablePointer<Float>
        var shift: UnsafeMutablePointer<Float>

        /// Writes coefficients that follow from a vector; slots without a channel get zeros.
        fileprivate func write(_ kind: VectorCoefficients, from vector: UnsafePointer<Float>, runs: ExecutionPlan.Runs)
        {
            let lanes = Int(UD2M_LANES)
            let channels = runs.reduce(0) { $0 + Int($1) }
            var (slot, channel) = (0, 0)
            for run in runs {
                for lane in 0..<blockCount(Int(run)) * lanes {
                    let isChannel = lane < Int(run)
                    switch kind {
                    case _ where !isChannel: (scale[slot], shift[slot]) = (0, 0)
                    case .scaleShift: (scale[slot], shift[slot]) = (1 + vector[channel], vector[channels + channel])
                    case .shift: (scale[slot], shift[slot]) = (1, vector[channel])
                    case .weight: (scale[slot], shift[slot]) = (vector[0], 0)
                    }
                    slot += 1
                    channel += isChannel ? 1 : 0
                }
            }
        }
    }
}
