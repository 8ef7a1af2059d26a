import CUD2MKernels
import UD2MFormats

/// The size of one item of a value.
package enum ValueShape: Sendable, Hashable {
    case map(channels: Int, height: Int, width: Int)
    case vector(Int)

    package var channels: Int {
        switch self {
        case .map(let channels, _, _): channels
        case .vector(let channels): channels
        }
    }

    /// Positions a channel has: H·W of a map, 1 of a vector.
    package var positions: Int {
        switch self {
        case .map(_, let height, let width): height * width
        case .vector: 1
        }
    }
}

extension Graph {
    /// The shape of every value for images of the given sizes (`name` → height and width).
    /// - Throws: `graph-invalid` when a node cannot take its operands' shapes, or an image's size is not given.
    package func shapes(sizes: [String: (height: Int, width: Int)]) throws -> [ValueShape] {
        var shapes: [ValueShape] = []
        shapes.reserveCapacity(nodes.count)
        for (index, node) in nodes.enumerated() {
            guard node.reads.allSatisfy({ $0.index < index }) else {
                throw UD2MError(.graphInvalid, "Node \(index) reads a later node.")
            }
            let operands = node.inputs.map { shapes[$0.index] }
            guard let shape = node.shape(operands: operands, sizes: sizes) else {
                throw UD2MError(.graphInvalid, "Node \(index) (\(node.operation)) cannot take \(operands).")
            }
            if let residual = node.residual.map({ shapes[$0.index] }),
                (node.upsamplesResidual ? residual.resampled(.nearestUp) : residual) != shape
            {
                throw UD2MError(.graphInvalid, "Node \(index) (\(node.operation)) cannot add \(residual) to \(shape).")
            }
            shapes.append(shape)
        }
        return shapes
    }
}

extension Node {
    fileprivate func shape(
        operands: [ValueShape], sizes: [String: (height: Int, width: Int)]
    ) -> ValueShape? {
        switch operation {
        case .image(let name, let channels):
            sizes[name].map { .map(channels: channels, height: $0.height, width: $0.width) }
        case .timestepEmbedding(_, let embedding): .vector(embedding.width)
        case .classEmbedding(_, let embedding): .vector(embedding.width)
        case .convolution(let convolution):
            convolution.shape(of: loadsUpsampled ? operands.first?.resampled(.nearestUp) : operands.first)
        case .interleave(let channels): operands.first?.interleaved(channels)
        case .linear(let linear): operands == [.vector(linear.inputs)] ? .vector(linear.outputs) : nil
        case .groupNorm, .activation, .modulate, .scale, .load: operands.first
        case .add: operands.sum
        case .external(_, let channels): operands.concatenated.flatMap { $0.with(channels: channels) }
        case .pool(let pooling): operands.first?.pooled(pooling)
        case .globalAverage: operands.first.map { .vector($0.channels) }
        case .flatten(let positions): operands.first?.flattened(positions)
        case .concat: operands.concatenated
        case .resample(let kind): operands.first?.resampled(kind)
        case .resizeBilinear:
            if operands.count == 2, case .map(let channels, _, _) = operands[0],
                case .map(_, let height, let width) = operands[1]
            {
                .map(channels: channels, height: height, width: width)
            } else {
                nil
            }
        case .attention(let attention):
            if case .map(3 * attention.channels, let height, let width) = operands.first {
                .map(channels: attention.channels, height: height, width: width)
            } else {
                nil
            }
        case .normCoefficients(let norm): .vector(2 * norm.channels)
        case .vectorCoefficients: operands.first.map { .vector(2 * $0.channels) }
        case .shiftedBias(_, let channels): .vector(channels)
        }
    }
}

extension [ValueShape] {
    /// The shape of a sum: of equals, or of a map and a value for each of its channels; nil for others.
    fileprivate var sum: ValueShape? {
        guard count == 2, self[0].channels == self[1].channels else { return nil }
        if self[0] == self[1] { return self[0] }
        guard case .map = self[0], case .vector = self[1] else { return nil }
        return self[0]
    }

    /// The shape of maps joined along the channels, or nil when their sizes differ.
    fileprivate var concatenated: ValueShape? {
        guard case .map(_, let height, let width) = first else { return nil }
        var total = 0
        for case .map(let channels, height, width) in self { total += channels }
        let agree = allSatisfy { if case .map(_, height, width) = $0 { true } else { false } }
        return agree ? .map(channels: total, height: height, width: width) : nil
    }
}

extension ValueShape {
    /// A map of the same size with other channels.
    fileprivate func with(channels: Int) -> ValueShape? {
        guard case .map(_, let height, let width) = self else { return nil }
        return .map(channels: channels, height: height, width: width)
    }

    fileprivate func interleaved(_ channels: Int) -> ValueShape? {
        guard case .map(4 * blockCount(channels) * Int(UD2M_LANES), let height, let width) = self else { return nil }
        return .map(channels: channels, height: 2 * height, width: 2 * width)
    }

    fileprivate func pooled(_ pooling: Pooling) -> ValueShape? {
        guard case .map(let channels, let height, let width) = self, let rows = pooling.windows(height),
            let columns = pooling.windows(width)
        else { return nil }
        return .map(channels: channels, height: rows, width: columns)
    }

    fileprivate func flattened(_ positions: Int) -> ValueShape? {
        guard case .map(let channels, _, _) = self, self.positions == positions else { return nil }
        return .vector(channels * positions)
    }

    fileprivate func resampled(_ kind: Resample) -> ValueShape? {
        guard case .map(let channels, let height, let width) = self else { return nil }
        switch kind {
        case .averageDown:
            guard height % 2 == 0, width % 2 == 0 else { return nil }
            return .map(channels: channels, height: height / 2, width: width / 2)
        case .nearestUp:
            return .map(channels: channels, height: height * 2, width: width * 2)
        }
    }
}

extension Pooling {
    /// Windows along a side of the given length, or nil when none fits.
    fileprivate func windows(_ side: Int) -> Int? {
        let (window, stride, padding, isCeiling) =
            switch self {
            case .maximum(let window, let stride, let padding, let isCeiling): (window, stride, padding, isCeiling)
            case .average(let window, let stride, let padding): (window, stride, padding, false)
            case .adaptiveAverage(let side): (side, side, 0, false)
            }
        if case .adaptiveAverage = self { return window }
        let reach = side + 2 * padding - window
        // With ceiling, a window may reach beyond an image smaller than itself.
        guard reach >= 0 || (isCeiling && reach > -stride) else { return nil }
        let whole = reach < 0 ? 0 : reach / stride + 1
        // A window that begins in the padding after the last pixel does not count.
        return isCeiling && reach % stride != 0 && whole * stride < side + padding ? whole + 1 : whole
    }
}

extension Convolution {
    fileprivate func shape(of input: ValueShape?) -> ValueShape? {
        guard case .map(inputChannels, let height, let width) = input else { return nil }
        let down = height + padding.top + padding.bottom - kernelHeight
        let across = width + padding.left + padding.right - kernelWidth
        guard down >= 0, across >= 0 else { return nil }
        return .map(channels: outputChannels, height: down / stride + 1, width: across / stride + 1)
    }
}
