/// The shape of the Inception-v3 network that FID is computed with (`pt_inception-2015-12-05`; `networks.md` §5).
///
/// The wiring is fixed, see ``InceptionUnit``; only the widths vary.
public struct InceptionConfiguration: Sendable, Hashable {
    /// Outputs of each convolution unit, in the order of ``InceptionUnit/all``.
    public var widths: [Int]
    /// Outputs of `fc`.
    public var classCount: Int

    /// Creates a configuration.
    public init(widths: [Int], classCount: Int) {
        self.widths = widths
        self.classCount = classCount
    }

    /// Outputs of each unit, and of each block under the block's name.
    public var channels: [String: Int] {
        var channels: [String: Int] = [:]
        for (unit, width) in zip(InceptionUnit.all, widths) { channels[unit.name] = width }
        var previous = 3
        for block in InceptionUnit.blocks {
            let units = InceptionUnit.all.filter { $0.block == block }
            var output = units.filter(\.isOutput).reduce(0) { $0 + (channels[$1.name] ?? 0) }
            if InceptionUnit.poolingBlocks.contains(block) { output += previous }
            channels[block] = output
            previous = output
        }
        return channels
    }

    /// Inputs of each convolution unit, in the order of ``InceptionUnit/all``.
    public var inputWidths: [Int] {
        let channels = channels
        return InceptionUnit.all.map { unit in
            if let input = unit.input { return channels[input] ?? 0 }
            guard let index = InceptionUnit.blocks.firstIndex(of: unit.block), index > 0 else { return 3 }
            return channels[InceptionUnit.blocks[index - 1]] ?? 0
        }
    }

    /// Channels of the last block, which are the features of FID and the inputs of `fc`.
    public var featureChannels: Int { channels["Mixed_7c"] ?? 0 }
}
