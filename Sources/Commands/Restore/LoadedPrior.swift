import UD2MFormats
import UD2MLoRA
import UD2MRuntime
import UD2MSampler

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A prior with its adapters, loaded once for all images.
struct LoadedPrior {
    /// The file, as it is reported.
    let path: String
    /// What identifies the weights: the content ids of prior and bundle, or paths where there is none.
    let identity: String
    /// The weights as a restored image's text has them.
    let record: Record
    /// Where it runs: "cpu" or "cuda:0".
    var device: String { target.name }
    /// Channels of its images.
    let channels: Int
    /// The denoiser, tiled where asked for, which measures its time.
    let denoiser: TimedDenoiser
    /// The bundle that settings come from.
    let bundle: TaskBundle?
    /// Bytes of the files that hold its weights, which are mapped.
    let mappedBytes: Int
    private let network: any RunnableNetwork
    private let options: PriorOptions
    private let target: ComputeTarget

    /// Opens and loads the networks.
    /// - Parameters:
    ///   - store: The prior; nil when it comes with a bundle.
    ///   - options: Adapters, class and tiles.
    ///   - target: Where and how networks run.
    /// - Throws: ``UD2MFormats/UD2MError``: `prior-prediction`, or what opening and loading say.
    init(store: String?, options: PriorOptions, target: ComputeTarget) throws {
        self.options = options
        self.target = target
        let bundle = try options.bundle.map { try TaskBundle(path: $0) }
        self.bundle = bundle
        let source = try Self.source(store: store, options: options, bundle: bundle)
        try Self.requireNoisePrediction(source.store)
        let reader = AdapterReading(store: source.store.path, flags: options.reading)
        var adapters = try bundle.map { [AdapterSelection(try NetworkAdapter(store: $0.store))] } ?? []
        adapters += try options.adapters.map { AdapterSelection(try reader.adapter($0.path), weight: $0.weight) }
        network = try target.network(
            source.store, architecture: source.architecture, merging: adapters, prefix: source.prefix)
        let whole = try NetworkDenoiser(network: network, classLabel: options.classLabel)
        channels = whole.channels
        var denoiser: any Denoiser = whole
        if let tile = options.tile {
            denoiser = try TiledDenoiser(
                whole, tile: tile, overlap: options.tileOverlap ?? tile / 8, multiple: network.sizeMultiple)
        }
        self.denoiser = TimedDenoiser(denoiser)
        path = source.store.path
        let stores = [source.store] + [bundle?.store].compactMap(\.self)
        // A fat bundle is the prior's store as well.
        let files = Dictionary(
            stores.map { ($0.path, $0.safetensors.file.count) }, uniquingKeysWith: { first, _ in first })
        mappedBytes = files.values.reduce(0, +)
        identity = stores.map { $0.contentID ?? $0.path }.joined(separator: "+")
        record = Record(
            prior: .init(source.store), bundle: bundle.map { .init($0.store) },
            adapters: options.adapters.isEmpty ? nil : options.adapters.map { Record.name($0.path) })
    }

    /// Which weights made an image. A file has its name alone: where it lay is nobody's business whom the image is sent to.
    struct Record: Encodable {
        struct File: Encodable {
            let file: String
            /// What identifies the content; nil of a store without.
            let content: String?

            init(_ store: WeightStore) {
                file = Record.name(store.path)
                content = store.contentID
            }
        }

        let prior: File
        let bundle: File?
        let adapters: [String]?

        static func name(_ path: String) -> String { URL(filePath: path).lastPathComponent }
    }

    /// The RAM network that steps start from: that of a file, or the bundle's.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `ram-missing` when there is neither, or what loading says.
    func ram(named path: String?) throws -> RAMNetwork {
        if let path {
            return try target.ramNetwork(StoreInput.open(path))
        }
        guard let bundle, let configuration = bundle.manifest.ram else {
            throw UD2MError(
                .ramMissing, "Steps are to start from the estimate of a RAM network, and none was given.",
                at: .init(file: options.bundle), remedy: "Name one with --ram, or pass --warm-start adjoint.")
        }
        return try target.ramNetwork(bundle.store, configuration: configuration, prefix: "ram.")
    }

    /// Bytes that the network takes for images of a size, `batch` of them at a time.
    /// - Throws: The network's errors for sizes that it does not take.
    func memory(height: Int, width: Int, batch: Int) throws -> Int {
        let multiple = network.sizeMultiple
        func side(_ length: Int) -> Int {
            let padded = (length + multiple - 1) / multiple * multiple
            return options.tile.map { min($0, padded) } ?? padded
        }
        return try network.memoryNeeded(for: [
            "x": [batch, channels, side(height), side(width)], "t": [batch], "y": [batch],
        ])
    }

    private struct Source {
        let store: WeightStore
        let architecture: ArchitectureConfiguration?
        var prefix = ""
    }

    private static func source(store: String?, options: PriorOptions, bundle: TaskBundle?) throws -> Source {
        if let store {
            let store = try StoreInput.open(store)
            return Source(store: store, architecture: store.architecture)
        }
        guard let bundle else { throw UD2MError(.usage, "Name the prior, or a --bundle.") }
        if bundle.manifest.form == .fat, options.base == nil {
            return Source(store: bundle.store, architecture: bundle.manifest.base.architecture, prefix: "base.")
        }
        let base = try BaseLocator.forBundle(bundle.path).store(of: bundle.manifest.base, named: options.base)
        return Source(store: base, architecture: base.architecture)
    }

    /// Refuses a prior that its training configuration, where the store has it, says to predict something else than noise.
    private static func requireNoisePrediction(_ weights: WeightStore) throws {
        guard case .object(let config)? = weights.information.config,
            case .object(let scheduler)? = config["scheduler"],
            case .string(let prediction)? = scheduler["prediction_type"], prediction != "epsilon"
        else { return }
        throw UD2MError(
            .priorPrediction,
            "The prior predicts '\(prediction.prefix(40))', and the sampler needs one that predicts the noise (epsilon).",
            at: .init(file: weights.path))
    }
}

extension UD2MError.Code {
    /// The prior predicts something that the sampler cannot use.
    static let priorPrediction = UD2MError.Code("prior-prediction", .badData)
    /// A RAM network is needed and none was given.
    static let ramMissing = UD2MError.Code("ram-missing", .usage)
}
