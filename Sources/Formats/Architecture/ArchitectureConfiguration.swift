/// The network a weight store holds: written by Convert, read by Runtime.
public enum ArchitectureConfiguration: Sendable, Hashable {
    /// An ADM U-Net.
    case adm(ADMConfiguration)
}
