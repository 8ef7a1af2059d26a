import CUD2MCUDA
import UD2MFormats

/// A network as launches of a device's kernels on one arena, for images of some sizes and a batch: all but the addresses.
///
/// It is made without a device, from the same passes as the plan of the CPU (``CompiledGraph``). Maps are NHWC, the channels
/// of every part padded to eight; a batch is computed as one.
package struct DevicePlan: Sendable {
    /// What happens in order.
    enum Step: Sendable {
        case launch(DeviceLaunch)
        case product(DeviceProduct)
        case external(DeviceExternalCall)
    }

    /// A run of values of a batch that is copied between host and device, in float32.
    struct Transfer: Sendable {
        /// The input's name; empty for results.
        var name: String
        /// Bytes from the start of the arena.
        var offset: Int
        /// Values of an item.
        var count: Int
    }

    package let element: DeviceElement
    /// The items that run together.
    package let images: Int
    let steps: [Step]
    /// Where inputs go before the first step.
    let inputs: [Transfer]
    /// Where results lie after the last step: the output, then the taps in alphabetical order.
    let results: [Transfer]
    /// The shapes of the results of one item.
    package let resultShapes: [[Int]]
    /// Bytes of the arena.
    package let arenaBytes: Int
    /// The network's weights.
    let weights: DeviceWeightLayout
    /// Bytes of the weights on the device.
    package var weightBytes: Int { weights.byteCount }
    /// What would be read and written if every operation of the network ran by itself and formed its result.
    package let unfused: DeviceTraffic

    /// The kernels in order, where no library takes their place.
    package var launches: [DeviceLaunch] {
        steps.flatMap { step -> [DeviceLaunch] in
            switch step {
            case .launch(let launch): [launch]
            case .product(let product): product.own
            case .external: []
            }
        }
    }

    /// The kernels before and after products that libraries compute.
    package var launchesBesideProducts: [DeviceLaunch] {
        steps.flatMap { step -> [DeviceLaunch] in
            if case .product(let product) = step { product.before + product.after } else { [] }
        }
    }

    /// The plan of an architecture.
    /// - Parameters:
    ///   - architecture: the network's shape.
    ///   - sizes: height and width of every image input by its name.
    ///   - batch: the items that run together.
    ///   - element: the type of the elements of maps and matrices.
    /// - Throws: `network-configuration`; `graph-invalid` for sizes that the network cannot take; `cuda-unsupported`.
    package init(
        architecture: ArchitectureConfiguration, sizes: [PlanKey.Size], batch: Int = 1, element: DeviceElement = .f16
    ) throws {
        try self.init(graph: architecture.graph, key: PlanKey(sizes: sizes, taps: []), batch: batch, element: element)
    }

    /// The plan of a RAM network for one image of `channels` channels, its sides padded to what the network takes. The
    /// embeddings of the measurements, which the CPU computes in between, are no part of what is counted.
    /// - Throws: as ``init(graph:key:batch:element:accelerators:)``.
    package init(
        ram: RAMConfiguration, channels: Int, height: Int, width: Int, element: DeviceElement = .f16
    ) throws {
        let multiple = ram.sizeMultiple
        func padded(_ side: Int) -> Int { (side + multiple - 1) / multiple * multiple }
        let (height, width) = (padded(height), padded(width))
        // The image comes first, then the embeddings of every scale, each half as large as the one before.
        let sizes = ram.networkInputs(imageChannels: channels).enumerated().map { index, input in
            let scale = max(0, index - 1)
            return PlanKey.Size(name: input.name, height: height >> scale, width: width >> scale)
        }
        try self.init(
            graph: ram.graph(imageChannels: channels), key: PlanKey(sizes: sizes, taps: []), element: element)
    }

    /// The plan of a graph, for a context with `accelerators`.
    /// - Throws: `graph-invalid` for sizes that the graph cannot take; `cuda-unsupported`.
    package init(
        graph: Graph, key: PlanKey, batch: Int = 1, element: DeviceElement = .f16,
        accelerators: Set<Accelerator> = []
    ) throws {
        let layout = try DeviceLayout(
            graph, for: key, images: batch, element: element, accelerators: accelerators)
        var lowering = DeviceLowering(layout)
        try lowering.lower()
        self.element = element
        images = batch
        steps = lowering.steps
        inputs = layout.inputs
        results = layout.results
        resultShapes = layout.resultShapes
        arenaBytes = layout.arenaBytes
        weights = DeviceWeightLayout(users: WeightUser.all(of: graph), element: element)
        unfused = try .unfused(graph, for: key, batch: batch, element: element, weightBytes: weights.byteCount)
    }
}
