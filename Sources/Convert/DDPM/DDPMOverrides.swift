import UD2MFormats

/// What a person says about a DDPM U-Net, over what files and tables say.
struct DDPMOverrides {
    private let options: DetectionOptions

    init(_ options: DetectionOptions) {
        self.options = options
    }

    /// Changes the configuration and says how, or gives nil when nothing was said.
    /// - Throws: `attention-unknown` when the heads do not divide the blocks that attend.
    func apply(to configuration: inout DDPMConfiguration) throws(UD2MError) -> String? {
        let before = configuration
        let given = options.ddpm
        configuration.normEpsilon = given.normEpsilon ?? configuration.normEpsilon
        configuration.timestepOrder = given.timestepOrder ?? configuration.timestepOrder
        configuration.frequencyShift = given.frequencyShift ?? configuration.frequencyShift
        configuration.downPadding = given.downPadding ?? configuration.downPadding
        let widths = Set(before.attendingLevels.map { before.levelChannels[$0] })
        switch options.heads {
        case .channels(let channels)?: configuration.headChannels = channels
        case .count(1)?: configuration.headChannels = nil
        case .count(let count)?:
            // The store says how many channels a head has; that is the same as a number of heads for one width only.
            guard widths.count == 1, let width = widths.first, width % count == 0 else {
                throw UD2MError(
                    .attentionUnknown, "\(count) heads cannot be said of blocks of \(widths.sorted()) channels.",
                    remedy: "Pass --head-channels N.")
            }
            configuration.headChannels = width / count
        case nil: break
        }
        for width in widths.sorted() where configuration.headCount(width: width) == nil {
            throw UD2MError(
                .attentionUnknown,
                "Heads of \(configuration.headChannels ?? 0) channels do not divide a block of \(width) channels.",
                remedy: "Pass another --head-channels N.")
        }
        let isGiven =
            options.heads != nil || given.normEpsilon != nil || given.timestepOrder != nil
            || given.frequencyShift != nil || given.downPadding != nil
        return isGiven ? "as given: \(configuration.conventions)" : nil
    }
}
