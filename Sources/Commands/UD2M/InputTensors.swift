import UD2MFormats
import UD2MRuntime

/// The tensors of a safetensors file, read when asked for.
struct InputTensors {
    /// The file's path.
    let path: String
    private let file: SafetensorsFile

    /// Opens a file.
    /// - Throws: ``UD2MFormats/UD2MError`` from reading its header.
    init(path: String) throws {
        self.path = path
        file = try SafetensorsFile(path: path)
    }

    /// A tensor as float32; nil when there is none of this name.
    func tensor(_ name: String) throws -> Tensor? {
        try file.entries.first { $0.name.text == name }.map { try Tensor($0, of: file) }
    }

    /// A tensor that must be there.
    /// - Throws: `input-missing`, with the tensors that the file has.
    func require(_ name: String) throws -> Tensor {
        if let tensor = try tensor(name) { return tensor }
        let shown = file.entries.prefix(10).map { "\($0.name.text) \($0.shape)" }.joined(separator: ", ")
        let more = file.entries.count > 10 ? " and \(file.entries.count - 10) more" : ""
        throw UD2MError(
            .inputMissing, "The network needs this input.", at: .init(file: path, tensor: name),
            remedy: file.entries.isEmpty ? "The file has no tensors." : "The file has \(shown)\(more).")
    }
}
