import CUD2MKernels
import UD2MFormats

extension AlgorithmTable {
    /// Checks that a network could have been measured like this: a table of another one, or one changed by hand, would
    /// be used for some layers and silently be ignored for others. Sizes of images may be any, since one table may serve
    /// several.
    /// - Throws: `algorithms-table` with the entry.
    func check(for graph: Graph) throws {
        var layers: [Blocks: Bool] = [:]
        for user in WeightUser.all(of: graph) {
            guard case .convolution(let convolution) = user.operation, convolution.suitsWinograd else { continue }
            let blocks = Blocks(
                input: user.runs.reduce(0) { $0 + blockCount($1) }, output: blockCount(convolution.outputChannels))
            // The direct kernel does not read weights where they are stored.
            layers[blocks] = layers[blocks] == true || !convolution.readsStoredKernel
        }
        for (index, entry) in entries.enumerated() {
            func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
                guard !condition else { return }
                throw UD2MError(
                    .algorithmTable, "Entry \(index) of the table of algorithms: \(message()).",
                    remedy: "Measure this network with ud2m bench STORE --tune FILE.")
            }
            let (shape, sides) = (entry.shape, 1...Network.maximumSide)
            let layer = layers[Blocks(input: shape.inputBlocks, output: shape.outputBlocks)]
            try require(
                layer != nil && sides.contains(shape.height) && sides.contains(shape.width),
                "the network has no 3×3 convolution from \(shape.inputBlocks) to \(shape.outputBlocks) blocks of "
                    + "channels with an output of \(shape.height)×\(shape.width) pixels")
            try require(!entry.seconds.isEmpty, "it has no times")
            for (name, seconds) in entry.seconds.sorted(by: { $0.key < $1.key }) {
                let known = Algorithm.allCases.map(\.rawValue).joined(separator: ", ")
                try require(Algorithm(rawValue: name) != nil, "there is no algorithm \(name) among \(known)")
                try require(seconds.isFinite && seconds >= 0, "\(seconds) is no time of \(name)")
                try require(
                    layer == true || name != Algorithm.direct.rawValue,
                    "such a convolution reads its weights as they are stored, which \(name) cannot")
            }
            try require(entries[..<index].allSatisfy { $0.shape != shape }, "its shape was there before")
        }
    }

    /// Blocks of channels that go into a convolution and come out of it.
    private struct Blocks: Hashable {
        let input: Int
        let output: Int
    }
}
