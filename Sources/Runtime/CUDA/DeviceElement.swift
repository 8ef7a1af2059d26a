import CUD2MCUDA

/// The type of the elements of maps and matrices on a device; vectors and sums are float32 with each.
public enum DeviceElement: String, Sendable, Hashable, CaseIterable {
    /// Float16: the default.
    case f16
    /// Bfloat16: float32's range with 8 bits of precision.
    case bf16
    /// Float32, without tensor cores: for comparisons.
    case f32

    /// Bytes of an element.
    var size: Int { self == .f32 ? 4 : 2 }
}
