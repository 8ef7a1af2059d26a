import UD2MFormats

extension ElementType {
    /// The spelling of reports: safetensors' where it has the type, else PyTorch's.
    var reportName: String { self == .c128 ? "complex128" : rawValue }
}

extension [Int] {
    /// "64×3×7×7", or "scalar".
    var shapeText: String { isEmpty ? "scalar" : map(String.init).joined(separator: "×") }
}
