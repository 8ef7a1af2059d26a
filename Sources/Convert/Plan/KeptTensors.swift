import UD2MFormats

/// Tensors that a change of element types leaves as they are, and why.
public struct KeptTensors: Sendable, Hashable {
    /// Why tensors are left.
    public enum Reason: String, Sendable, CaseIterable {
        /// Floating-point numbers of another type that no rule names.
        case noRule = "no rule names them"
        case integers
        case booleans
        case complex = "complex numbers"
        /// Floating-point numbers of 8 bits and fewer.
        case narrow = "8-bit and narrower floating point"
        case quantised
        /// PyTorch's bits types, which have no values.
        case bits = "bits without a value"
    }

    /// Why.
    public let reason: Reason
    /// The tensors, in the order of the state dict.
    public let names: [TensorName]
}

extension KeptTensors.Reason {
    /// Why a tensor that keeps its type does, or nil for one that has a type asked for already.
    init?(_ tensor: TensorSource, targets: Set<ElementType>) {
        switch (tensor.torchType, tensor.elementType) {
        case ("complex32", _), ("bcomplex32", _): self = .complex
        case (let type?, _): self = type.hasPrefix("q") ? .quantised : .bits
        case (nil, .bool): self = .booleans
        case (nil, .c64), (nil, .c128): self = .complex
        case (nil, .i64), (nil, .i32), (nil, .i16), (nil, .i8), (nil, .u64), (nil, .u32), (nil, .u16), (nil, .u8):
            self = .integers
        case (nil, .f64), (nil, .f32), (nil, .f16), (nil, .bf16):
            if targets.contains(tensor.elementType) { return nil }
            self = .noRule
        default: self = .narrow
        }
    }
}
