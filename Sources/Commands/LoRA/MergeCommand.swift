import ArgumentParser

/// `ud2m-lora merge`: a network with adapters in it.
struct MergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Merge adapters into a network.",
        discussion: """
            Every changed tensor is W plus the sum of the adapters' changes of W, computed one tensor at a time; whole \
            tensors, such as UD2M's final layer, are taken over. What was merged is recorded in the output, which has \
            the type of the network unless --dtype says otherwise. An adapter made for another network is refused.
            """)

    @Argument(help: "The network: a store or checkpoint.")
    var base: String

    @Argument(help: "The adapters.")
    var adapters: [String]

    @OptionGroup
    var flags: MergeFlags

    func run() throws { try flags.run(.merge, base, adapters) }
}

/// `ud2m-lora unmerge`: a network with adapters taken out of it.
struct UnmergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unmerge",
        abstract: "Take merged adapters out of a network again, as far as that goes.",
        discussion: """
            Subtracts the changes that merge added, with the same --scale and --weight. This is not the network from \
            before: each number was rounded when it was merged and is again now, by half a unit in its last place each \
            time, which in f16 and bf16 is much; numbers that had become infinite stay so. Whole tensors that the \
            adapter replaced, and DoRA's changes, cannot be computed back at all and are refused unless \
            --keep-irreversible leaves them as they are. Keep the original network; where the file's record of the \
            merge names it, the report says whether its exact weights came out.
            """)

    @Argument(help: "The merged network.")
    var merged: String

    @Argument(help: "The adapters that are in it.")
    var adapters: [String]

    @Flag(name: .customLong("keep-irreversible"), help: "Leave tensors as they are whose change cannot be taken back.")
    var keepIrreversible = false

    @OptionGroup
    var flags: MergeFlags

    func run() throws { try flags.run(.unmerge, merged, adapters, keepsIrreversible: keepIrreversible) }
}
