import Foundation

/// A command-line tool of this package as the build left it, run as a child process.
public struct BuiltTool: Sendable {
    /// What a run left behind.
    public struct Result: Sendable {
        /// The exit code, or 128 + the signal that ended the process.
        public let exitCode: Int32
        /// Standard output.
        public let output: Data
        /// Standard error.
        public let errors: Data

        /// Standard output as text.
        public var text: String { String(decoding: output, as: UTF8.self) }
        /// Standard error as text.
        public var errorText: String { String(decoding: errors, as: UTF8.self) }
    }

    /// The executable.
    public let url: URL

    /// Finds a tool beside the running test bundle.
    public init(_ name: String) throws {
        guard let url = Self.file(name), FileManager.default.isExecutableFile(atPath: url.path) else {
            throw CocoaError(.fileNoSuchFile, userInfo: [NSFilePathErrorKey: name])
        }
        self.url = url
    }

    /// What the build left beside the running test bundle under a name, or nil without it.
    public static func file(_ name: String) -> URL? {
        let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        return [folder, Bundle.main.bundleURL, Bundle.main.bundleURL.deletingLastPathComponent()]
            .map { $0.appending(path: name) }.first { FileManager.default.fileExists(atPath: $0.path) }
    }

    /// Runs the tool to its end.
    /// - Parameters:
    ///   - arguments: what follows the tool's name.
    ///   - environment: variables set on top of this process's.
    ///   - input: a file to be its standard input; empty unless given.
    /// - Returns: the exit code and both outputs.
    /// - Throws: when the process cannot be started.
    public func run(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) throws -> Result {
        let (process, output, errors) = try start(arguments, environment: environment, input: input)
        // Standard error is read on the side, so that a full pipe cannot stop the child.
        let collected = Collector()
        let reader = Thread { collected.set(errors.readDataToEndOfFile()) }
        reader.start()
        let text = output.readDataToEndOfFile()
        process.waitUntilExit()
        let signalled = process.terminationReason == .uncaughtSignal
        return Result(
            exitCode: signalled ? 128 + process.terminationStatus : process.terminationStatus,
            output: text, errors: collected.wait())
    }

    /// Runs the tool under limits that the system enforces: processor seconds, and KiB of address space.
    ///
    /// A tool that goes beyond either is ended by the system, which shows as an exit code above 128.
    /// - Throws: when the process cannot be started.
    public func run(_ arguments: [String], seconds: Int, addressSpaceKiB: Int) throws -> Result {
        // macOS has no limit on address space; there, only time is bounded.
        let script = "ulimit -t \(seconds); ulimit -v \(addressSpaceKiB) 2>/dev/null; exec \"$0\" \"$@\""
        let shell = BuiltTool(url: URL(filePath: "/bin/sh"))
        return try shell.run(["-c", script, url.path(percentEncoded: false)] + arguments)
    }

    /// Names any executable, such as a shell around a tool.
    public init(url: URL) {
        self.url = url
    }

    /// Starts the tool and gives the process with its two outputs.
    public func start(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) throws -> (process: Process, output: FileHandle, errors: FileHandle) {
        let process = Process()
        let output = Pipe()
        let errors = Pipe()
        process.executableURL = url
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = try input.map { try FileHandle(forReadingFrom: URL(filePath: $0)) } ?? .nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        return (process, output.fileHandleForReading, errors.fileHandleForReading)
    }
}

/// Hands one value from a reading thread to the waiting one.
private final class Collector: @unchecked Sendable {
    // Guarded by the semaphore: set once before it is signalled, read once after.
    private var data = Data()
    private let ready = DispatchSemaphore(value: 0)

    func set(_ value: Data) {
        data = value
        ready.signal()
    }

    func wait() -> Data {
        ready.wait()
        return data
    }
}
