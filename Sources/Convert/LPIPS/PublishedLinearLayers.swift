import UD2MFormats

/// The linear layers that the lpips package comes with: versions 0.1 and 0.0 have the same names and shapes, and only
/// their numbers tell which is which.
struct PublishedLinearLayers {
    private let version: LPIPSConfiguration.Version
    /// The largest weight of the first layer, and which of the 64 it is.
    private let largest: (index: Int, weight: Double)
    /// The sum of that layer.
    private let sum: Double

    /// The name of the layer that is looked at.
    static let name: TensorName = "lin0.model.1.weight"

    /// lpips 0.1.4, `weights/v0.1` and `weights/v0.0`, `vgg.pth` and `squeeze.pth`.
    private static let all = [
        PublishedLinearLayers(version: .v0_1, largest: (20, 1.282816), sum: 6.925992),
        PublishedLinearLayers(version: .v0_1, largest: (42, 0.879733), sum: 5.690101),
        PublishedLinearLayers(version: .v0_0, largest: (20, 1.205980), sum: 3.641608),
        PublishedLinearLayers(version: .v0_0, largest: (42, 0.839480), sum: 5.301839),
    ]

    /// The version of the published file that a first layer is from; nil for a layer of another training.
    /// - Throws: what reading it throws.
    static func version(of layer: TensorSource) throws -> LPIPSConfiguration.Version? {
        guard layer.elementCount == 64, layer.elementType.isFloatingPoint else { return nil }
        var weights = [Double](repeating: 0, count: 64)
        _ = try layer.withContiguousBytes { bytes in
            weights.withUnsafeMutableBufferPointer { layer.elementType.doubles(bytes, into: $0) }
        }
        let sum = weights.reduce(0, +)
        return all.first { published in
            // Half-precision copies are rounded: bfloat16 keeps eight bits.
            func isNear(_ value: Double, _ other: Double) -> Bool { abs(value - other) <= abs(other) / 128 }
            return isNear(weights[published.largest.index], published.largest.weight) && isNear(sum, published.sum)
        }?.version
    }
}

extension DetectedArchitecture {
    /// Takes the version of an LPIPS network from the numbers of its first linear layer, where they are published.
    /// - Throws: `lpips-version` when the person says another, or what reading throws.
    mutating func settleVersion(first layer: TensorSource, given: LPIPSConfiguration.Version?) throws {
        guard case .lpips(var lpips) = configuration, let version = try PublishedLinearLayers.version(of: layer) else {
            return
        }
        guard given == nil || given == version else {
            throw UD2MError(
                .lpipsVersion,
                "The linear layers are those of version \(version.rawValue) of the lpips package, and --lpips-version says "
                    + "another.", at: .init(tensor: layer.name.text), remedy: "Leave out --lpips-version.")
        }
        lpips.version = version
        configuration = .lpips(lpips)
        details = lpips.summary
        // Detection's last word was on the version, and so was its only note.
        evidence[evidence.count - 1] = "version \(version.rawValue), by the values of the published linear layers"
        notes = []
    }
}

extension UD2MError.Code {
    /// The version said of LPIPS linear layers is not theirs.
    public static let lpipsVersion = UD2MError.Code("lpips-version", .usage)
}
