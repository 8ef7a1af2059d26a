import UD2MFormats

/// The tensors of the small RAM network of the fixtures, listed from `networks.md` §3.1 (`goldens.md` §11).
public enum RAMWeights {
    /// A tensor's name and shape.
    public struct Entry: Sendable, Hashable {
        /// The name in a checkpoint.
        public let name: String
        /// Sizes, outermost first.
        public let shape: [Int]
    }

    /// The network's shape: two blocks a stage.
    public static let configuration = RAMConfiguration(
        widths: [8, 8, 16, 16], blocksPerLevel: 2, imageChannels: [1, 2, 3], flavour: .original)

    /// Every tensor that deepinv's class has for a configuration, the unused skips of the decoders included.
    public static func entries(_ configuration: RAMConfiguration = configuration) -> [Entry] {
        let widths = configuration.widths
        var entries = [Entry(name: "fact_realign", shape: [1])]
        for (index, channels) in configuration.imageChannels.enumerated() {
            entries.append(Entry(name: "m_head.conv\(index).weight", shape: [widths[0], channels + 2, 3, 3]))
            entries.append(Entry(name: "m_tail.conv\(index).weight", shape: [channels, widths[0], 3, 3]))
        }
        for level in 1...3 {
            let (fine, coarse) = (widths[level - 1], widths[level])
            entries.append(Entry(name: "pool\(level).weight", shape: [coarse, fine, 2, 2]))
            entries.append(Entry(name: "up\(level).weight", shape: [coarse, fine, 2, 2]))
        }
        let stages = [
            ("m_down1", 0), ("m_down2", 1), ("m_down3", 2), ("m_body", 3), ("m_up3", 2), ("m_up2", 1), ("m_up1", 0),
        ]
        for (stage, level) in stages {
            for block in 0..<configuration.blocksPerLevel {
                entries += self.block("\(stage).enc.\(block)", widths[level], configuration.imageChannels)
            }
        }
        return entries
    }

    private static func block(_ prefix: String, _ width: Int, _ imageChannels: [Int]) -> [Entry] {
        var entries = [
            Entry(name: "\(prefix).gain", shape: [1]),
            Entry(name: "\(prefix).conv1.weight", shape: [width, width, 3, 3]),
            Entry(name: "\(prefix).conv2.weight", shape: [width, width, 3, 3]),
        ]
        for (index, channels) in imageChannels.enumerated() {
            let tail = "\(prefix).PhysicsBlock.decoding_conv.tail\(index)"
            let head = "\(prefix).PhysicsBlock.encoding_conv.head\(index)"
            let seen = 6 * channels
            entries += [
                Entry(name: "\(tail).convin.weight", shape: [2 * channels, width, 3, 3]),
                Entry(name: "\(tail).zero_conv_skip.weight", shape: [2 * channels, width, 1, 1]),
                Entry(name: "\(head).convin.weight", shape: [seen, seen, 3, 3]),
                Entry(name: "\(head).zero_conv_skip.weight", shape: [seen, seen, 1, 1]),
                Entry(name: "\(head).conv10.weight", shape: [seen, seen, 3, 3]),
                Entry(name: "\(head).conv20.weight", shape: [width, seen, 3, 3]),
                Entry(name: "\(head).skipconv0.weight", shape: [width, seen, 1, 1]),
            ]
        }
        return entries
    }

    /// The elements of a tensor: as ``PortableWeights`` with gain 0.8, and gains near 1.
    public static func values(_ entry: Entry) -> [Float] {
        if entry.name == "fact_realign" { return [1.1] }
        let values = PortableWeights.uniform("ram:\(entry.name)", count: entry.shape.reduce(1, *))
        guard entry.shape.count > 1 else { return values.map { 1 + 0.3 * $0 } }
        let scale = Float(0.8 * (12 / Double(entry.shape.dropFirst().reduce(1, *))).squareRoot())
        return values.map { $0 * scale }
    }

    /// Writes a store of the network, without the tensors of the given names.
    public static func writeStore(to path: String, without omitted: Set<String> = []) throws {
        let tensors = entries().filter { !omitted.contains($0.name) }.map {
            TensorInput(name: TensorName($0.name), shape: $0.shape, floats: values($0))
        }
        let information = StoreMetadata(architecture: .ram(configuration))
        _ = try WeightStoreWriter(tensors: tensors, information: information).write(to: path)
    }
}
