import UD2MFormats

/// A sparse tensor, as reports give it (`schemas/checkpoint-parts.schema.json`).
struct SparseReport: Encodable {
    /// The name of the whole.
    let name: String
    /// PyTorch's name of the layout, such as `"torch.sparse_coo"`.
    let layout: String
    /// The sizes of the whole.
    let shape: [Int]
    /// The tensors that are its parts.
    let parts: [String]

    init(_ tensor: SparseTensor) {
        name = tensor.name.text
        layout = tensor.layout
        shape = tensor.shape
        parts = tensor.parts.map(\.text)
    }

    /// "coo: torch.sparse_coo of 3×4, in coo.indices, coo.values".
    var text: String {
        "\(name.escapedForDisplay): \(layout) of \(shape.shapeText), in "
            + parts.map(\.escapedForDisplay).joined(separator: ", ")
    }
}

extension [SparseReport] {
    /// A line for each, ten at most.
    var lines: [String] {
        prefix(10).map { "sparse \($0.text)" } + (count > 10 ? ["and \(count - 10) further sparse tensors"] : [])
    }

    /// What to say where the parts are written in place of these; nil when there are none.
    func partsNote(remedy: String) -> String? {
        guard !isEmpty else { return nil }
        let shown = prefix(5).map(\.text).joined(separator: "; ")
        let rest = count > 5 ? "; and \(count - 5) more" : ""
        return "\(count) sparse tensors are written as their parts. \(remedy) \(shown)\(rest)"
    }
}
