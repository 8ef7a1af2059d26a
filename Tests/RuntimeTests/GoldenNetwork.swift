import Foundation
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// A small network with portable weights.
struct GoldenNetwork: Sendable {
    /// Its shape.
    let architecture: ArchitectureConfiguration
    /// The key of its weights (`goldens.md` §11).
    let key: String
    /// How much wider than by its fan-in a matrix is drawn.
    let gain: Double

    static let ddpm = GoldenNetwork(
        architecture: .ddpm(
            DDPMConfiguration(
                modelChannels: 32, levelChannels: [32, 32], residualBlocks: 1, attentionLevels: [1])),
        key: "ddpm", gain: 1)
    static let vgg = GoldenNetwork(
        architecture: .vgg16(VGGConfiguration(widths: [4, 8, 16, 32, 32], classifierWidths: [32, 32, 10])),
        key: "vgg16", gain: 1.6)
    static let squeezeNet = GoldenNetwork(
        architecture: .squeezeNet(
            SqueezeNetConfiguration(
                stemChannels: 4,
                fires: [(1, 4), (1, 4), (2, 8), (2, 8), (3, 12), (3, 12), (4, 16), (4, 16)].map {
                    .init(squeeze: $0.0, expand1x1: $0.1, expand3x3: $0.1)
                })),
        key: "squeezenet", gain: 2)
    static let discriminator = GoldenNetwork(
        architecture: .discriminator(
            DiscriminatorConfiguration(imageChannels: 3, imageSize: 32, stemChannels: 32, widths: [64, 128, 64])),
        key: "disc", gain: 1.4)

    /// The Inception of the fixture: a sixteenth of every width.
    static func inception() throws -> GoldenNetwork {
        let full = try KeyTable("inception_fid").inception
        return GoldenNetwork(
            architecture: .inception(
                InceptionConfiguration(widths: full.widths.map { $0 / 16 }, classCount: full.classCount / 16)),
            key: "inception", gain: 1.5)
    }

    /// Every weight of the network, ready to be written.
    func weights() throws -> [TensorInput] {
        try Network.requiredWeights(architecture).map { weight in
            let floats = PortableWeights.weight(
                case: key, tensor: weight.name, shape: weight.shape, gain: gain)
            return TensorInput(name: TensorName(weight.name), shape: weight.shape, floats: floats)
        }
    }

    /// The network, written to a temporary store and loaded from it.
    func load(threads: Int = 2) throws -> Network {
        let folder = try TemporaryDirectory()
        let path = folder.path("weights.ud2w")
        let writer = try WeightStoreWriter(
            tensors: weights(), information: StoreMetadata(architecture: architecture))
        _ = try writer.write(to: path)
        return try withExtendedLifetime(folder) {
            try Network(store: WeightStore(path: path), threads: threads)
        }
    }
}

/// The names and shapes of a published network (`Tests/Fixtures/keys`), without the counters of batch normalisation.
struct KeyTable {
    let shapes: [String: [Int]]

    init(_ name: String) throws {
        let url = RepositoryPaths.fixtures.appending(path: "keys/\(name).json")
        let table = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: [Any]] ?? [:]
        shapes = table.filter { !$0.key.hasSuffix("num_batches_tracked") }
            .compactMapValues { $0.first as? [Int] }
    }

    /// The Inception whose units have these widths.
    var inception: InceptionConfiguration {
        InceptionConfiguration(
            widths: InceptionUnit.all.map { shapes["\($0.name).conv.weight"]?.first ?? 0 },
            classCount: shapes["fc.bias"]?.first ?? 0)
    }
}

extension Golden {
    /// A tensor of the fixture.
    func tensor(_ name: String) throws -> Tensor {
        let entry = try self[name]
        return try Tensor(shape: entry.shape, values: entry.values)
    }
}
