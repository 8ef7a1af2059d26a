import UD2MFormats

/// Puts the two files that an LPIPS network comes in together.
public enum LPIPSInputs {
    /// A checkpoint that holds the trunk of one file and the linear layers of another.
    /// - Parameters:
    ///   - trunk: A VGG-16 or SqueezeNet 1.1 checkpoint.
    ///   - linear: The linear layers, `lin0.model.1.weight` and so on.
    ///   - path: The state dict of `trunk` to take, or nil to choose.
    /// - Returns: The checkpoint of the trunk with one state dict, which an LPIPS network is recognised in.
    /// - Throws: ``UD2MError``: `lpips-trunk` or `lpips-linear` when a file is not what it is taken for.
    public static func joining(trunk: Checkpoint, linear: Checkpoint, select path: String? = nil) throws -> Checkpoint {
        let options = DetectionOptions()
        let choice = try StateDictSelector(options: options).choose(in: trunk, path: path).best
        guard [VGGFamily().identifier, SqueezeNetFamily().identifier].contains(choice.architecture.family) else {
            throw UD2MError(
                .lpipsTrunk, "The file is no trunk of LPIPS, but \(choice.architecture.summary).",
                at: .init(file: trunk.path), remedy: "Give VGG-16 or SqueezeNet 1.1 as the checkpoint.")
        }
        let layers = try layers(of: linear)
        var joined = trunk
        joined.stateDicts = [StateDict(path: choice.stateDict.path, tensors: choice.tensors + layers)]
        joined.looseTensors = []
        joined.skipped += linear.skipped
        joined.findings += linear.findings
        joined.remarks += linear.remarks
        return joined
    }

    private static func layers(of checkpoint: Checkpoint) throws(UD2MError) -> [TensorSource] {
        for stateDict in checkpoint.stateDicts {
            let (_, tensors) = StateDictSelector.strippingPrefixes(stateDict.tensors)
            let layers = tensors.filter { tensor in
                let parts = tensor.name.text.split(separator: ".")
                return parts.count == 4 && parts[0].hasPrefix("lin") && parts[0] != "lins"
                    && parts.suffix(3).elementsEqual(["model", "1", "weight"])
            }
            if !layers.isEmpty { return layers }
        }
        throw UD2MError(
            .lpipsLinear, "The file has no linear layers of LPIPS, such as lin0.model.1.weight.",
            at: .init(file: checkpoint.path), remedy: "Give the file of the lpips package, weights/v0.1/vgg.pth.")
    }
}

extension UD2MError.Code {
    /// The file given as LPIPS's trunk is another network.
    public static let lpipsTrunk = UD2MError.Code("lpips-trunk", .badData)
    /// The file given as LPIPS's linear layers has none.
    public static let lpipsLinear = UD2MError.Code("lpips-linear", .badData)
}
