import UD2MFormats

/// Checkpoints that lack something.
enum PartialCheckpoint {
    /// Writes a checkpoint's first state dict without one tensor, as safetensors.
    static func write(of path: String, without name: TensorName, to output: String) throws {
        let tensors = try Checkpoint.open(path: path).stateDicts.first?.tensors ?? []
        try SafetensorsFile.write(
            to: output, tensors: tensors.filter { $0.name != name }.map { TensorInput($0) })
    }
}
