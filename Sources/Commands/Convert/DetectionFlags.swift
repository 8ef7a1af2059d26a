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

    @Option(name: .customLong("norm-eps"), help: "Epsilon of a DDPM network's group normalisations.")
    var normEpsilon: Double?

    @Option(
        name: .customLong("timestep-order"),
        help: "Which half of a DDPM network's timestep embedding comes first: sine-first or cosine-first.")
    var timestepOrder: DDPMConfiguration.TimestepOrder?

    @Option(
        name: .customLong("freq-shift"),
        help: "What is taken off the divisor of a DDPM network's timestep embedding: 0 or 1.")
    var frequencyShift: Int?

    @Option(
        name: .customLong("down-padding"),
        help: "Padding of a DDPM network's stride-2 convolutions: asymmetric (below and right) or symmetric.")
    var downPadding: DDPMConfiguration.DownPadding?

    @Option(
        name: .customLong("ram-flavour"),
        help: "Whose program a RAM network runs as: original (matthieutrs/ram) or deepinv; their results differ.")
    var ramFlavour: RAMConfiguration.Flavour?

    @Option(
        name: .customLong("lpips-version"),
        help: ArgumentHelp(
            "Version of LPIPS linear layers: 0.1 or 0.0. The published ones are told by their numbers; others are taken for "
                + "0.1."))
    var lpipsVersion: LPIPSConfiguration.Version?

    mutating func validate() throws {
        guard heads == nil || headChannels == nil else {
            throw ValidationError("--heads and --head-channels exclude each other.")
        }
        for value in [heads, headChannels].compactMap({ $0 }) where !(1...65536).contains(value) {
            throw ValidationError("--heads and --head-channels must be 1…65536.")
        }
        if let frequencyShift, !(0...1).contains(frequencyShift) {
            throw ValidationError("--freq-shift must be 0 or 1.")
        }
        if let normEpsilon, !(1e-12...1).contains(normEpsilon) {
            throw ValidationError("--norm-eps must be from 1e-12 to 1.")
        }
    }

    /// The flags as the registry takes them.
    var options: DetectionOptions {
        var options = DetectionOptions(
            heads: heads.map { .count($0) } ?? headChannels.map { .channels($0) },
            attentionOrder: attentionOrder.map { $0 == .new ? .new : .legacy })
        options.ddpm.normEpsilon = normEpsilon
        options.ddpm.timestepOrder = timestepOrder
        options.ddpm.frequencyShift = frequencyShift
        options.ddpm.downPadding = downPadding
        options.ramFlavour = ramFlavour
        options.lpipsVersion = lpipsVersion
        return options
    }
}

extension DDPMConfiguration.TimestepOrder: ExpressibleByArgument {}
extension DDPMConfiguration.DownPadding: ExpressibleByArgument {}
extension RAMConfiguration.Flavour: ExpressibleByArgument {}
extension LPIPSConfiguration.Version: ExpressibleByArgument {}
