import ArgumentParser
import Foundation
import UD2MFormats
import UD2MImaging

/// Runs a tool: parses, runs, and turns errors into a message and an exit code, in this one place.
public enum CommandRunner {
    /// Runs `Root` with the process's arguments and exits.
    public static func main<Root: ParsableCommand>(_ root: Root.Type) -> Never {
        InterruptHandler.install()
        do {
            // ArgumentParser prints its own --version as text; programs get more.
            if Set(CommandLine.arguments.dropFirst()) == ["--version", "--json"] {
                try JSONOutput.print(VersionReport(tool: root.configuration.commandName ?? ""))
                exit(ExitCodes.success)
            }
            var command = try Root.parseAsRoot()
            try command.run()
            exit(ExitCodes.success)
        } catch {
            guard let failure = UD2MError(reporting: error) else { Root.exit(withError: error) }
            report(failure, asJSON: CommandLine.arguments.contains("--json"))
            exit(ExitCodes.code(for: failure.code.category))
        }
    }

    private static func report(_ error: UD2MError, asJSON: Bool) {
        if asJSON, let data = try? JSONOutput.encode(ErrorReport(error)) {
            FileHandle.standardError.write(data + Data("\n".utf8))
        } else {
            FileHandle.standardError.write(Data("error: \(error)\n".utf8))
        }
    }
}

extension UD2MError {
    /// The error to report for anything a command throws, or nil for what ArgumentParser itself reports.
    init?(reporting error: any Error) {
        switch error {
        case let error as UD2MError: self = error
        case let error as ImageError: self.init(error)
        default: return nil
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
            remedy: error.remedy, exitCode: ExitCodes.code(for: error.code.category))
    }
}
