import ArgumentParser
import UD2MConvert
import UD2MFormats
import UD2MLoRA

/// Flags of every command that reads adapters.
struct AdapterFlags: ParsableArguments {
    @Option(
        name: .customLong("adapter-select"),
        help: ArgumentHelp(
            "State dict that holds the adapter, such as state_dict; the usual one unless given.", valueName: "path"))
    var adapterSelect: String?

    @Option(
        help: ArgumentHelp(
            "Numerator of the scale for modules whose file says none, as PEFT's tensors without their configuration.",
            valueName: "number"))
    var alpha: Double?

    func validate() throws {
        if let alpha, !alpha.isFinite { throw ValidationError("--alpha must be a number.") }
    }

    /// Opens and reads an adapter.
    /// - Throws: ``UD2MFormats/UD2MError``.
    func read(_ path: String, _ input: CheckpointInput) throws -> Adapter {
        // A bundle holds an adapter, and says itself which tensors are of it.
        if TaskBundle.isBundle(path: path) {
            return try TaskBundle(path: path, limits: input.limits, access: input.access).adapter
        }
        return try Adapter(AdapterFile(path: path, select: adapterSelect, open: input.open), alpha: alpha)
    }
}

/// The network that a command applies adapters to.
struct BaseInput {
    /// The file.
    let checkpoint: Checkpoint
    /// The state dict of it.
    let selection: StateDictSelection
    /// Its tensors as adapters find them.
    let base: AdapterBase

    /// Opens a network; its architecture need not be known, but helps with names where it is.
    /// - Throws: ``UD2MFormats/UD2MError``.
    init(_ path: String, select: String?, _ input: CheckpointInput) throws {
        checkpoint = try input.open(path)
        selection = try StateDictSelection.required(in: checkpoint, select: select)
        base = AdapterBase(
            path: path, tensors: selection.tensors, otherNames: selection.architecture?.otherNames ?? [:])
    }

    /// The identity of its weights, where the file is a store that says it.
    var contentID: String? { checkpoint.metadata[StoreMetadata.Key.content] }
}

extension AdapterConvention: ExpressibleByArgument {}
extension MergeArithmetic: ExpressibleByArgument {}
