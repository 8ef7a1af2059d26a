import ArgumentParser
import UD2MConvert
import UD2MFormats

/// What no tensor tells: flags of every command that recognises a network.
struct DetectionFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "State dict to take, such as state_dict or ema; the best fit unless given.", valueName: "path"))
    var select: String?

    @Option(help: "Heads of every attention block.")
    var heads: Int?

    @Option(name: .customLong("head-channels"), help: "Channels of every attention head.")
    var headChannels: Int?

    @Option(
        name: .customLong("attention-order"),
        help: "Row order of the attention weights: legacy (head by head) or new (all queries first).")
    var attentionOrder: AttentionOrder?

    /// The spellings of `--attention-order`.
    enum AttentionOrder: String, ExpressibleByArgument, CaseIterable {
        case legacy
        case new
    }

    mutating func validate() throws {
        guard heads == nil || headChannels == nil else {
            throw ValidationError("--heads and --head-channels exclude each other.")
        }
        for value in [heads, headChannels].compactMap({ $0 }) where !(1...65536).contains(value) {
            throw ValidationError("--heads and --head-channels must be 1…65536.")
        }
    }

    /// The flags as the registry takes them.
    var options: DetectionOptions {
        DetectionOptions(
            heads: heads.map { .count($0) } ?? headChannels.map { .channels($0) },
            attentionOrder: attentionOrder.map { $0 == .new ? .new : .legacy })
    }
}
