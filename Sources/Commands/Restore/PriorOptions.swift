import ArgumentParser

/// The prior that images are restored with or drawn from: options that `restore` and `prior` share.
struct PriorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Task-adapter bundle: the prior, adapter, operator and settings come from it, unless flags say otherwise.",
            valueName: "ud2w"))
    var bundle: String?

    @Option(
        help: ArgumentHelp(
            "The bundle's prior; looked for beside the bundle and in the folders of UD2M_PATH unless given.",
            valueName: "ud2w"))
    var base: String?

    @Option(
        name: .customLong("adapter"),
        help: ArgumentHelp(
            """
            Merge an adapter into the prior when it is loaded: a bundle, whose settings are left alone, or LoRA in any \
            form that ud2m-lora reads. A number after a colon is its weight, 1 unless given. May be repeated.
            """, valueName: "file[:weight]"))
    var adapters: [WeightedFile] = []

    @OptionGroup
    var reading: AdapterFlags

    @Option(name: .customLong("class-label"), help: "Class of a class-conditional prior.")
    var classLabel: Int?

    @Option(
        help: ArgumentHelp(
            """
            Run the network on overlapping tiles of this side, so that its memory does not grow with the image; the \
            observation is still fitted as a whole.
            """, valueName: "pixels"))
    var tile: Int?

    @Option(
        name: .customLong("tile-overlap"),
        help: ArgumentHelp(
            "Pixels that neighbouring tiles share; an eighth of the tile by default.", valueName: "pixels"))
    var tileOverlap: Int?

    func validate() throws {
        if base != nil, bundle == nil { throw ValidationError("--base is the prior of a --bundle.") }
        if tileOverlap != nil, tile == nil { throw ValidationError("--tile-overlap needs --tile.") }
        try FlagRule.check([
            .init(
                "--adapter-select", given: reading.adapterSelect != nil, applies: !adapters.isEmpty, owner: "--adapter"),
            .init("--alpha", given: reading.alpha != nil, applies: !adapters.isEmpty, owner: "--adapter"),
        ])
    }

    /// The files that are read.
    var files: [String] { [bundle, base].compactMap(\.self) + adapters.map(\.path) }
}
