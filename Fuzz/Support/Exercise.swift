import UD2MConvert
import UD2MFormats

/// Reads what a described checkpoint promises: a bounded number of tensors, in every way the tools read them.
///
/// A typed error is fine; a tensor that gives more or fewer bytes than its shape says is a finding.
public func exercise(_ checkpoint: Checkpoint) throws {
    let tensors = checkpoint.stateDicts.flatMap(\.tensors) + checkpoint.looseTensors
    for tensor in tensors.prefix(32) {
        _ = run { try exercise(tensor) }
    }
    _ = run { for tensor in try tensors.dequantised().prefix(32) { try exercise(tensor) } }
    _ = run { for tensor in try tensors.densified().prefix(32) { try exercise(tensor) } }
    for stateDict in checkpoint.stateDicts {
        precondition(Set(stateDict.tensors.map(\.name)).count == stateDict.tensors.count, "names repeat")
    }
    // Looking for the closest of all networks takes longer than everything else together, and no byte of the file has
    // a part in it but names and sizes: one input in sixteen, told by its contents so that a finding can be repeated.
    if isSampled(checkpoint) {
        _ = run { _ = try StateDictSelection(checkpoint: checkpoint) }
        _ = run { try ConversionPlan(checkpoint: checkpoint).requireComplete() }
    }
    try checkpoint.requireSafe()
}

/// Whether a checkpoint is one of the sixteenth whose network is looked for.
private func isSampled(_ checkpoint: Checkpoint) -> Bool {
    var hash: UInt32 = 2_166_136_261
    for tensor in checkpoint.stateDicts.flatMap(\.tensors) {
        for byte in tensor.name.bytes + tensor.shape.map({ UInt8(truncatingIfNeeded: $0) }) {
            hash = (hash ^ UInt32(byte)) &* 16_777_619
        }
    }
    return hash >> 28 == 0
}

/// Reads one tensor whole, in pieces, and converted.
private func exercise(_ tensor: TensorSource) throws {
    precondition(tensor.shape.allSatisfy { $0 >= 0 }, "negative size")
    try tensor.checkExpansion()
    // Larger ones are legal within the limits, but make the fuzzer slow.
    guard tensor.byteCount <= 1 << 16 else { return }
    let whole = try tensor.withContiguousBytes { bytes in
        precondition(bytes.count == tensor.byteCount, "the tensor has another size than its shape says")
        return Array(bytes)
    }
    // PyTorch's truth values may be stored as any byte, and are written as 0 or 1 when converted.
    if tensor.elementType != .bool {
        var pieces: [UInt8] = []
        try tensor.stream(as: tensor.elementType, pieceBytes: 48) { pieces.append(contentsOf: $0) }
        precondition(pieces == whole, "pieces differ from the whole")
    }
    guard tensor.torchType == nil else { return }
    var floatBytes = 0
    try tensor.stream(as: .f32) { floatBytes += $0.count }
    precondition(floatBytes == tensor.elementCount * 4, "the conversion has another size")
}
