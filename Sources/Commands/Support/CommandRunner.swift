import ArgumentParser
import UD2MFormats
import UD2MImaging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Runs a tool: parses, runs, and turns errors into a message and an exit code, in this one place.
public enum CommandRunner {
    /// Runs `Root` with the process's arguments and exits.
    public static func main<Root: ParsableCommand>(_ root: Root.Type) -> Never {
        let asJSON = CommandLine.arguments.contains("--json")
        InterruptHandler.install(asJSON: asJSON)
        do {
            // ArgumentParser prints its own --version as text; programs get more.
            if Set(CommandLine.arguments.dropFirst()) == ["--version", "--json"] {
                try JSONOutput.print(VersionReport(tool: root.configuration.commandName ?? ""))
                exit(ExitCodes.success)
            }
            try requireTextArguments()
            let arguments = negativeNumbersJoined(CommandLine.arguments.dropFirst())
            try SubcommandSuggestion.check(arguments, for: root.configuration)
            var command = try Root.parseAsRoot(arguments)
            try command.run()
            exit(ExitCodes.success)
        } catch {
            guard let failure = UD2MError(reporting: error, from: root) else { Root.exit(withError: error) }
            // A usage error as text comes with the usage line, which ArgumentParser knows where the error is its own.
            if !asJSON, failure.code == .usage, !(error is UD2MError) { Root.exit(withError: error) }
            let report = ErrorReport(failure)
            StandardError.print(asJSON ? report.text : "error: \(failure)")
            if !asJSON, let candidates = report.error.candidates {
                for line in CandidateReport.table(candidates) { StandardError.print("  " + line) }
            }
            exit(ExitCodes.code(for: failure.code.category))
        }
    }
}

extension CommandRunner {
    /// The arguments with negative numbers joined to their options: ArgumentParser takes the `-1` of `--sigma -1` for an
    /// option of its own and says that a value is missing, where the range of σ should be named.
    static func negativeNumbersJoined(_ arguments: some Sequence<String>) -> [String] {
        arguments.reduce(into: []) { joined, argument in
            if let option = joined.last, option.hasPrefix("--"), option != "--", !option.contains("="),
                argument.hasPrefix("-"), Double(argument) != nil
            {
                joined[joined.count - 1] = "\(option)=\(argument)"
            } else {
                joined.append(argument)
            }
        }
    }

    /// Throws for arguments that are not UTF-8: Swift would repair them silently, and a file of another name be written.
    private static func requireTextArguments() throws {
        for argument in UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc)) {
            guard let argument, String(validatingCString: argument) != nil else {
                throw UD2MError(.usage, "The arguments must be UTF-8 text, file names included.")
            }
        }
    }
}

extension UD2MError.Code {
    /// The command line makes no sense.
    static let usage = UD2MError.Code("usage", .usage)
    /// An error that nobody expected.
    static let unexpected = UD2MError.Code("unexpected", .internalBug)
}

extension UD2MError {
    /// The error to report for anything a command throws, or nil for what is none: help, versions, exit codes.
    init?(reporting error: any Error, from root: (some ParsableCommand).Type) {
        switch error {
        case let error as UD2MError: self = error
        case let error as ImageError: self.init(error)
        case is ExitCode, is CleanExit: return nil
        default:
            switch root.exitCode(for: error) {
            case .validationFailure: self.init(.usage, root.message(for: error))
            case .success: return nil
            default: self.init(.unexpected, "This is a bug: \(error)", remedy: "Please report it.")
            }
        }
    }
}

/// The JSON form of an error (`schemas/error.schema.json`).
struct ErrorReport: Encodable {
    struct Location: Encodable {
        let file: String?
        let entry: String?
        let byteOffset: Int?
        let opcodeIndex: Int?
        let tensor: String?
    }

    struct Body: Encodable {
        let code: String
        let category: String
        let message: String
        let location: Location
        let remedy: String?
        /// Ten tensors in which a checkpoint and a network disagree, some of each kind; nil for other errors.
        let mismatches: [MismatchReport]?
        let closest: ClosestReport?
        /// The state dicts among which a choice is open; nil for other errors.
        let candidates: [CandidateReport]?
        let exitCode: Int32
    }

    let error: Body

    init(_ error: UD2MError) {
        let location = error.location
        self.error = Body(
            code: error.code.name, category: error.code.category.rawValue, message: error.message,
            location: Location(
                file: location.file, entry: location.entry, byteOffset: location.byteOffset,
                opcodeIndex: location.opcodeIndex, tensor: location.tensor),
            remedy: error.remedy,
            mismatches: error.mismatches.isEmpty ? nil : error.mismatches.map { .init($0) },
            closest: error.closest.map { .init($0) },
            candidates: error.candidates.isEmpty ? nil : error.candidates.map { .init($0) },
            exitCode: ExitCodes.code(for: error.code.category))
    }

    /// The report as JSON text.
    var text: String {
        // Strings and integers always encode; the fallback only satisfies the signature.
        (try? JSONOutput.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
