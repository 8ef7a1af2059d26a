import CUD2MKernelCases
import CUD2MKernels
import Testing

/// One GroupNorm to check.
struct GroupNormCase: CustomTestStringConvertible {
    let name: String
    let sources: [Int]
    let groups: Int
    let height: Int
    let width: Int
    /// Added to every input: a mean far from zero loses digits in careless sums.
    let offset: Float
    let modulated: Bool
    let affine: Bool

    var testDescription: String { name }

    static let shared = sharedCases(ud2m_norm_cases).filter { $0.use == UD2M_CASE_CHECKED }.map(GroupNormCase.init)

    init(_ row: ud2m_norm_case) {
        name = String(cString: row.name)
        sources = caseSources(row.sources)
        groups = Int(row.groups)
        height = Int(row.height)
        width = Int(row.width)
        offset = row.offset
        modulated = row.modulated
        affine = row.affine
    }
}

@Suite("Kernels: group norm")
struct KernelsGroupNormTests {
    private struct Problem {
        let values: [Float]
        let gamma: [Float]
        let beta: [Float]
        let scale: [Float]
        let shift: [Float]

        init(_ problem: GroupNormCase) {
            var random = KernelRandom(UInt64(problem.width))
            let channels = problem.sources.reduce(0, +)
            values = random.values(channels * problem.height * problem.width, gain: 3, offset: problem.offset)
            gamma = random.values(channels, offset: 1)
            beta = random.values(channels)
            scale = random.values(channels)
            shift = random.values(channels)
        }
    }

    private func expected(_ problem: GroupNormCase, _ inputs: Problem) -> [Double] {
        let pixels = problem.height * problem.width
        let size = inputs.values.count / problem.groups
        let statistics = (0..<problem.groups).map { group in
            let members = inputs.values[group * size..<(group + 1) * size]
            let mean = members.reduce(0) { $0 + Double($1) } / Double(size)
            let variance = members.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(size)
            return (mean: mean, deviation: (variance + 1e-5).squareRoot())
        }
        return inputs.values.indices.map { i in
            let channel = i / pixels
            let group = statistics[i / size]
            var value = (Double(inputs.values[i]) - group.mean) / group.deviation
            if problem.affine { value = value * Double(inputs.gamma[channel]) + Double(inputs.beta[channel]) }
            if problem.modulated { value = value * (1 + Double(inputs.scale[channel])) + Double(inputs.shift[channel]) }
            return value
        }
    }

    /// The normalised image: the folded map applied by the map kernel.
    private func run(_ problem: GroupNormCase, _ inputs: Problem, _ pool: KernelPool) throws -> [Float] {
        defer { keep(pool) }
        let image = BlockImage(
            sources: problem.sources, height: problem.height, width: problem.width, values: inputs.values)
        let output = BlockImage(sources: problem.sources, height: problem.height, width: problem.width)
        defer { keep(image, output) }
        var mapScale = [Float](repeating: .nan, count: image.blockCount * 16)
        var mapShift = mapScale
        let sources = problem.sources.map(Int32.init)
        let workspace = Workspace(
            ud2m_group_norm_workspace(Int32(image.blockCount), Int32(problem.height), Int32(problem.width)))
        defer { keep(workspace) }
        try sources.withUnsafeBufferPointer { sources in
            try inputs.gamma.withUnsafeBufferPointer { gamma in
                try inputs.beta.withUnsafeBufferPointer { beta in
                    try inputs.scale.withUnsafeBufferPointer { scale in
                        try inputs.shift.withUnsafeBufferPointer { shift in
                            try mapScale.withUnsafeMutableBufferPointer { mapScale in
                                try mapShift.withUnsafeMutableBufferPointer { mapShift in
                                    var norm = ud2m_group_norm()
                                    norm.input = image.planes
                                    norm.source_channels = sources.baseAddress
                                    norm.source_count = Int32(sources.count)
                                    norm.groups = Int32(problem.groups)
                                    norm.epsilon = 1e-5
                                    norm.gamma = problem.affine ? gamma.baseAddress : nil
                                    norm.beta = problem.affine ? beta.baseAddress : nil
                                    norm.scale = problem.modulated ? scale.baseAddress : nil
                                    norm.shift = problem.modulated ? shift.baseAddress : nil
                                    norm.map_scale = mapScale.baseAddress
                                    norm.map_shift = mapShift.baseAddress
                                    let status = ud2m_group_norm_run(pool.handle, &norm, workspace.memory)
                                    try #require(status == UD2M_STATUS_OK)
                                    var planes = image.planes
                                    var map = ud2m_input_map(
                                        scale: mapScale.baseAddress, shift: mapShift.baseAddress,
                                        activation: UD2M_ACTIVATION_NONE, slope: 0)
                                    let mapped = ud2m_map_planes(
                                        pool.handle, &planes, &map, UnsafePointer(output.blocks))
                                    try #require(mapped == UD2M_STATUS_OK)
                                }
                            }
                        }
                    }
                }
            }
        }
        #expect(workspace.canaryIsIntact)
        #expect(output.paddingIsZero)
        return output.planar
    }

    // The folded map a·x + b rounds three times; with a mean of 30 deviations the cancellation costs a factor of 30.
    @Test("every tier computes the definition, for any number of threads", arguments: GroupNormCase.shared)
    func matchesDefinition(_ problem: GroupNormCase) throws {
        let inputs = Problem(problem)
        let reference = expected(problem, inputs)
        let bound = UD2M_BOUND_GROUP_NORM * Double(max(1, abs(problem.offset)))
        for isa in runnableTiers {
            let alone = try run(problem, inputs, KernelPool(threads: 1, isa: isa))
            let error = normalisedError(alone, reference)
            #expect(error < bound, "\(isaName(isa)): \(error)")
            for threads in 2...3 {
                #expect(try run(problem, inputs, KernelPool(threads: threads, isa: isa)) == alone)
            }
        }
    }

    @Test("channels that do not divide into groups are refused")
    func refusesUnevenGroups() {
        let image = BlockImage(sources: [18], height: 1, width: 1, values: [Float](repeating: 1, count: 18))
        defer { keep(image) }
        var norm = ud2m_group_norm()
        norm.input = image.planes
        norm.source_count = 1
        norm.groups = 4
        [Int32(18)].withUnsafeBufferPointer {
            norm.source_channels = $0.baseAddress
            #expect(ud2m_group_norm_run(nil, &norm, nil) == UD2M_STATUS_INVALID)
        }
    }
}
