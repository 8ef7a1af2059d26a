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
            "Numerator of the scale for modules whose file says none, as PEFT's tensors without their configuration; "
                + "'rank' takes each module's own, which makes the scale 1.",
            valueName: "number"))
    var alpha: StandardAlpha?

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

extension StandardAlpha: ExpressibleByArgument {
    /// A finite number, or `rank`.
    public init?(argument: String) {
        if argument == "rank" {
            self = .rank
        } else if let number = Double(argument), number.isFinite {
            self = .number(number)
        } else {
            return nil
        }
    }
}

/// The flag of commands that write an adapter made of others.
struct ChangedBaseFlags: ParsableArguments {
    @Flag(
        name: .customLong("for-changed-base"),
        help: ArgumentHelp(
            "Write factors that PEFT took out of the network (PiSSA, OLoRA, CorDA, LoftQ, LoRA-GA) where nothing can say so: "
                + "the result is for the network that was left."))
    var isForChangedBase = false
}

extension AdapterConvention: ExpressibleByArgument {}
extension MergeArithmetic: ExpressibleByArgument {}
