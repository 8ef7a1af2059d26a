import UD2MFormats

extension UD2MError.Code {
    /// A shape has a negative size, overflows, or does not match its number of values.
    public static let tensorShape = Self("tensor-shape", .usage)
    /// A network configuration describes no network that can be built.
    public static let networkConfiguration = Self("network-configuration", .badData)
    /// The store lacks a tensor that the network needs.
    public static let weightMissing = Self("weight-missing", .badData)
    /// A tensor of the store has another shape than the network needs.
    public static let weightShape = Self("weight-shape", .badData)
    /// A tensor of the store has an element type that a network cannot compute with.
    public static let weightType = Self("weight-type", .badData)
    /// A weight is too large for the precision that was asked for.
    public static let weightRange = Self("weight-range", .usage)
    /// A table of algorithms is not one of the network that is to use it.
    public static let algorithmTable = Self("algorithms-table", .badData)
    /// A named input was not given.
    public static let inputMissing = Self("input-missing", .usage)
    /// An input was given that the network does not have.
    public static let inputUnknown = Self("input-unknown", .usage)
    /// An input's shape does not fit the network or the other inputs.
    public static let inputShape = Self("input-shape", .usage)
    /// An input's value lies outside its range.
    public static let inputRange = Self("input-range", .usage)
    /// A function given to a run gave a map of another shape than the network needs.
    public static let externalResult = Self("external-result", .internalBug)
    /// The environment variable `UD2M_ISA` names a tier of kernels that does not exist or that this machine cannot run.
    public static let instructionSet = Self("instruction-set", .usage)
    /// No activation has this tap name.
    public static let tapUnknown = Self("tap-unknown", .usage)
    /// A run needs more memory than can be had.
    public static let memoryExhausted = Self("memory-exhausted", .retry)
    /// A graph breaks a rule that its builder should have kept.
    public static let graphInvalid = Self("graph-invalid", .internalBug)
    /// An adapter changes a tensor that the network does not have.
    public static let changeUnknown = Self("change-unknown", .badData)
    /// The factors or the tensor of a change do not fit each other or the network's tensor.
    public static let changeShape = Self("change-shape", .badData)
    /// The factors of a change have rank 0.
    public static let changeRank = Self("change-rank", .badData)
    /// A number of a change is not finite.
    public static let changeNotFinite = Self("change-not-finite", .badData)
    /// What describes the changes of an adapter's store is missing or malformed.
    public static let changeManifest = Self("change-manifest", .badData)
    /// A change that can only be merged into a network when it is loaded.
    public static let changeUnsupported = Self("change-unsupported", .usage)
    /// A set of adapters was made for another network, or there is not one for each item of a batch.
    public static let adapterSet = Self("adapter-set", .usage)
}
