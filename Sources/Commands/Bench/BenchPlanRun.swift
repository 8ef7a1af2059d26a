import UD2MFormats
import UD2MRuntime

/// The work of `ud2m bench --plan-only`: a GPU's plan of a network, made and counted without a GPU.
struct BenchPlanRun {
    let store: String
    let size: ImageSize?
    let batch: Int
    let element: DeviceElement
    let perKernel: Bool

    /// Makes the plan.
    /// - Throws: ``UD2MFormats/UD2MError`` for a bad store, `plan-unsupported` for a batch of a RAM network, `input-shape` for a size
    ///   that the network does not take.
    func execute() throws -> BenchPlanReport {
        let weights = try StoreInput.open(store)
        guard let architecture = weights.architecture else {
            throw UD2MError(
                .networkConfiguration, "The file does not say which network it holds.", at: .init(file: store),
                remedy: "Convert it with ud2m-convert.")
        }
        if case .ram(let configuration) = architecture {
            guard batch == 1 else {
                throw UD2MError(
                    .planUnsupported, "A RAM network restores one image at a time.", at: .init(file: store),
                    remedy: "Leave --batch out.")
            }
            let size = size ?? ImageSize(height: 256, width: 256)
            let plan = try DevicePlan(
                ram: configuration, channels: configuration.benchChannels, height: size.height, width: size.width,
                element: element)
            return BenchPlanReport(
                store: store, architecture: architecture.family, plan: plan, size: size, perKernel: perKernel)
        }
        let inputs = try architecture.networkInputs
        let size = size ?? .standard(for: inputs)
        let sizes = try inputs.compactMap { try planned($0, size) }
        let plan = try DevicePlan(architecture: architecture, sizes: sizes, batch: batch, element: element)
        return BenchPlanReport(
            store: store, architecture: architecture.family, plan: plan, size: size, perKernel: perKernel)
    }

    /// The size of an image input; nil for other inputs.
    private func planned(_ input: NetworkInput, _ size: ImageSize) throws -> PlanKey.Size? {
        switch input.kind {
        case .image(_, let sides):
            for side in [size.height, size.width] where !sides.contains(side) {
                throw UD2MError(
                    .inputShape, "The network takes no side of \(side) pixels.",
                    at: .init(file: store, tensor: input.name),
                    remedy: "Pass a --size of multiples of \(sides.multiple)"
                        + " from \(sides.minimum) to \(sides.maximum).")
            }
            return PlanKey.Size(name: input.name, height: size.height, width: size.width)
        case .lowResolutionImage:
            return PlanKey.Size(name: input.name, height: max(1, size.height / 4), width: max(1, size.width / 4))
        case .timestep, .classLabel: return nil
        }
    }
}

extension RAMConfiguration {
    /// The channels of the images that `ud2m bench` restores: colour where the network takes it.
    var benchChannels: Int { imageChannels.contains(3) ? 3 : imageChannels.first ?? 3 }
}

extension UD2MError.Code {
    /// A batch of a network that takes one image at a time.
    static let planUnsupported = UD2MError.Code("plan-unsupported", .usage)
}
