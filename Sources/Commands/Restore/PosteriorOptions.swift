import ArgumentParser

/// How many samples are drawn, and what is written besides the restored image.
///
/// Each option that names a place takes a file for one image, and a folder for several, in which every image has its name.
struct PosteriorOptions: ParsableArguments {
    @Option(
        name: [.customLong("samples"), .customLong("num_samples")],
        help: "S, the posterior samples of each image. With more than one the restored image is their mean.")
    var samples = 1

    @Option(help: "Samples that the network denoises side by side; memory grows with it, results do not change.")
    var batch = 1

    @Option(help: ArgumentHelp("Write the last sample.", valueName: "png"))
    var last: String?

    @Option(
        help: ArgumentHelp(
            """
            Write the samples' standard deviation at every pixel, white where it is a quarter of the range. It is that of the \
            posterior with --posterior-spread only, and smaller by default.
            """,
            valueName: "png"))
    var std: String?

    @Option(name: .customLong("save-samples"), help: ArgumentHelp("Write every sample.", valueName: "folder"))
    var saveSamples: String?

    @Option(
        help: ArgumentHelp("Quantiles for --save-quantiles; 0.05,0.95 unless given.", valueName: "list"),
        transform: NumberList.reals)
    var quantiles: [Double]?

    @Option(
        name: .customLong("save-quantiles"),
        help: ArgumentHelp(
            "Write images of the samples' quantiles at every pixel; too narrow without --posterior-spread.",
            valueName: "folder"))
    var saveQuantiles: String?

    @Option(
        help: ArgumentHelp(
            "Write where the reference lies inside the samples' central 90 % interval: channels are white there, and black "
                + "elsewhere.", valueName: "png"))
    var coverage: String?

    @Option(
        help: ArgumentHelp("Write the first sample's estimates after each step, side by side.", valueName: "png"))
    var progressive: String?

    @Option(
        help: ArgumentHelp(
            "Write observation, last sample, mean and deviation (of several samples) and reference side by side.",
            valueName: "png"))
    var grid: String?

    func validate() throws {
        guard (1...1_000_000).contains(samples) else { throw ValidationError("--samples must be 1…1000000.") }
        guard (1...1024).contains(batch) else { throw ValidationError("--batch must be 1…1024.") }
        guard !savedQuantiles.isEmpty, savedQuantiles.allSatisfy({ (0...1).contains($0) }) else {
            throw ValidationError("--quantiles must be 0…1.")
        }
        if samples < 2, std != nil || saveQuantiles != nil || coverage != nil {
            throw ValidationError("--std, --save-quantiles and --coverage need --samples of two or more.")
        }
        try FlagRule.check([
            .init("--quantiles", given: quantiles != nil, applies: saveQuantiles != nil, owner: "--save-quantiles")
        ])
    }

    /// The quantiles that are written.
    var savedQuantiles: [Double] { quantiles ?? [0.05, 0.95] }
}
