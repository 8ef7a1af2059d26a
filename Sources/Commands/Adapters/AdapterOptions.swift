import ArgumentParser
import UD2MFormats
import UD2MRuntime

/// Adapters that a network runs with: flags of the commands that run one.
struct AdapterOptions: ParsableArguments {
    /// How adapters are applied.
    enum Mode: String, CaseIterable, ExpressibleByArgument {
        /// Beside the network's weights, which stay as they are.
        case side
        /// In the weights, when the network is loaded.
        case merged
    }

    @Option(
        name: .customLong("adapter"),
        help: ArgumentHelp(
            "An adapter to run the network with: a task-adapter bundle, or LoRA in any form that ud2m-lora reads. A number "
                + "after a colon is its weight, 1 unless given. May be repeated.", valueName: "file[:weight]"))
    var adapters: [WeightedFile] = []

    @Option(
        name: .customLong("adapter-mode"),
        help: ArgumentHelp(
            "side adds each change beside the weights, as when one network serves many adapters; merged changes the weights.",
            valueName: "how"))
    var mode = Mode.side

    @OptionGroup
    var reading: AdapterFlags

    /// The adapters' paths.
    var files: [String] { adapters.map(\.path) }

    /// Reads the adapters, for the network of a store.
    /// - Throws: ``UD2MFormats/UD2MError``.
    func load(store: String) throws -> [AdapterSelection] {
        guard !adapters.isEmpty else { return [] }
        let reader = AdapterReading(store: store, flags: reading)
        return try adapters.map { AdapterSelection(try reader.adapter($0.path), weight: $0.weight) }
    }

    /// Throws where a network that takes no adapters is to have some.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-option`.
    func requireNone(_ store: String) throws {
        guard !adapters.isEmpty else { return }
        throw UD2MError(
            .adapterOption, "RAM networks run without adapters.", at: .init(file: store),
            remedy: "Merge the adapter into the network: ud2m-lora merge.")
    }
}

/// A file and how strongly it counts: "deblur.ud2w", "deblur.ud2w:0.5".
struct WeightedFile: ExpressibleByArgument, Sendable, Hashable {
    let path: String
    let weight: Double

    init?(argument: String) {
        // A file whose name ends so is named with another weight behind it.
        if let colon = argument.lastIndex(of: ":"), let weight = Double(argument[argument.index(after: colon)...]) {
            guard weight.isFinite, colon != argument.startIndex else { return nil }
            (path, self.weight) = (String(argument[..<colon]), weight)
        } else {
            (path, weight) = (argument, 1)
        }
    }
}

extension UD2MError.Code {
    /// Adapters were named for a network that takes none.
    static let adapterOption = UD2MError.Code("adapter-option", .usage)
}
