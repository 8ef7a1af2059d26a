import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// Stores of slim metric networks with portable weights, as the fixtures have them.
enum MetricStores {
    /// VGG-16 with a sixteenth of its widths, and linear layers in [0, 0.6).
    static let lpips = LPIPSConfiguration(
        trunk: .vgg16(VGGConfiguration(widths: [4, 8, 16, 32, 32])), version: .v0_1)

    /// Inception-v3 with a sixteenth of its widths.
    static let inception = InceptionConfiguration(widths: inceptionWidths.map { $0 / 16 }, classCount: 63)

    /// Outputs of the units of Inception-v3, in order.
    private static let inceptionWidths: [Int] = {
        let stem = [32, 32, 64, 80, 192]
        let a = [32, 64, 64].flatMap { [64, 48, 64, 64, 96, 96, $0] }
        let b = [384, 64, 96, 96]
        let c = [128, 160, 160, 192].flatMap { [192, $0, $0, 192, $0, $0, $0, $0, 192, 192] }
        let d = [192, 320, 192, 192, 192, 192]
        let e = [320, 384, 384, 384, 448, 384, 384, 384, 192]
        return stem + a + b + c + d + e + e
    }()

    /// Writes the store of LPIPS.
    static func writeLPIPS(to path: String, _ configuration: LPIPSConfiguration = lpips) throws {
        let (trunk, linear, gain) =
            switch configuration.trunk {
            case .vgg16: ("vgg16", "lpips", 1.6)
            case .squeezeNet: ("squeezenet", "lpips_squeeze", 2)
            }
        try write(.lpips(configuration), to: path) { name, shape in
            guard name.hasPrefix("lin"), let layer = name.split(separator: ".").first else {
                return PortableWeights.weight(case: trunk, tensor: name, shape: shape, gain: gain)
            }
            return PortableWeights.uniform("\(linear):\(layer)", count: shape.reduce(1, *)).map { 0.6 * $0 + 0.3 }
        }
    }

    /// Writes the store of Inception-v3.
    static func writeInception(to path: String) throws {
        try write(.inception(inception), to: path) { name, shape in
            PortableWeights.weight(case: "inception", tensor: name, shape: shape, gain: 1.5)
        }
    }

    private static func write(
        _ architecture: ArchitectureConfiguration, to path: String, _ values: (String, [Int]) -> [Float]
    ) throws {
        let tensors = try Network.requiredWeights(architecture).map { weight in
            TensorInput(
                name: TensorName(weight.name), shape: weight.shape, floats: values(weight.name, weight.shape))
        }
        let writer = try WeightStoreWriter(tensors: tensors, information: StoreMetadata(architecture: architecture))
        _ = try writer.write(to: path)
    }
}
