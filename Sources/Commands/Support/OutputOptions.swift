import ArgumentParser

/// How a command reports: flags that every command shares.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print one JSON object to standard output instead of text; its schema is in schemas/.")
    var json = false

    @Flag(name: .shortAndLong, help: "Print results and errors only.")
    var quiet = false

    @Option(help: "Show progress of long work on standard error: auto, bar, json or none.")
    var progress: ProgressStyle = .auto

    /// A progress reporter as asked for.
    func makeProgress() -> any ProgressSink {
        progress.sink(isQuiet: quiet)
    }
}
