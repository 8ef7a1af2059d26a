import ArgumentParser
import UD2MFormats
import UD2MRuntime

/// `ud2m devices`: where networks can run on this machine.
struct DevicesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices",
        abstract: "List the devices that networks can run on, and say why there is no GPU.",
        discussion: """
            The first column is what --device takes. Libraries that --accelerators takes are listed with their versions \
            where they are there. docs/cuda.md tells what a GPU needs.
            """)

    @OptionGroup
    var reporting: OutputOptions

    func run() throws {
        let report = DevicesReport()
        if reporting.json { return try JSONOutput.print(report) }
        try StandardOutput.print(report.text(hasReasons: !reporting.quiet))
    }
}

/// The result of `ud2m devices` (`schemas/devices.schema.json`).
struct DevicesReport: Encodable {
    struct Device: Encodable {
        /// As `--device` takes it.
        let id: String
        let isUsable: Bool
        /// Why it cannot be used; nil where it can.
        var reason: String?
        /// Of the CPU, nil where it cannot be used.
        var instructionSet: String?
        /// Of the CPU.
        var threads: Int?
        /// Of a GPU, as the next.
        var name: String?
        var computeCapability: String?
        var memoryBytes: Int?
    }

    /// A library that `--accelerators` takes.
    struct Library: Encodable {
        let name: String
        /// Nil where it cannot be used.
        let version: String?
        /// Why it cannot be used; nil where it can.
        let reason: String?
        /// Whether it is there and lacks what is needed, which people are told.
        let isUnusable: Bool

        init(_ finding: AcceleratorLibraries.Finding) {
            name = finding.accelerator.rawValue
            version = finding.version
            reason = finding.reason
            isUnusable = finding.isUnusable
        }
    }

    /// Why no GPU can be used.
    struct Unavailable: Encodable {
        let code: String
        let message: String
        let remedy: String?

        init(_ error: UD2MError) {
            code = error.code.name
            message = error.message
            remedy = error.remedy
        }
    }

    let tool = "ud2m devices"
    let version = Version.current
    /// The CPU, then the GPUs in the driver's order.
    private(set) var devices: [Device]
    /// The CUDA version that the driver supports; nil without a driver.
    private(set) var driverVersion: String?
    private(set) var cudaUnavailable: Unavailable?
    let accelerators: [Library]

    /// Looks at this machine.
    init() {
        accelerators = AcceleratorLibraries(loading: Set(Accelerator.allCases)).findings.map { Library($0) }
        devices = [Self.cpu]
        do {
            let driver = try CUDADriver.load()
            driverVersion = driver.version.description
            devices += try driver.devices().map(Self.device)
            // Throws with the reason where none can be used.
            _ = try driver.device()
        } catch let error as UD2MError {
            cudaUnavailable = Unavailable(error)
        } catch {
            cudaUnavailable = Unavailable(UD2MError(.unexpected, "\(error)"))
        }
    }

    /// The CPU, which cannot be used where `UD2M_ISA` asks for what it does not have.
    private static var cpu: Device {
        let threads = InstructionSet.availableThreads
        do {
            try InstructionSet.requireWanted()
            return Device(id: "cpu", isUsable: true, instructionSet: InstructionSet.current, threads: threads)
        } catch {
            let reason = (error as? UD2MError)?.message ?? "\(error)"
            return Device(id: "cpu", isUsable: false, reason: reason, threads: threads)
        }
    }

    private static func device(_ device: CUDADevice) -> Device {
        var reason: String?
        if !device.isSupported {
            reason = "compute capability \(device.capability); \(CUDADevice.oldestCapability) or later is needed"
        }
        return Device(
            id: "cuda:\(device.ordinal)", isUsable: device.isSupported, reason: reason, name: device.name,
            computeCapability: device.capability.description, memoryBytes: device.memory)
    }

    /// The report as lines for a person: a device each, the libraries that are there, and why there is no GPU.
    func text(hasReasons: Bool) -> String {
        var table = TextTable([.left, .left])
        for device in devices {
            var parts = [device.instructionSet, device.threads.map { "\($0) threads" }, device.name]
            parts.append(device.computeCapability.map { "compute capability \($0)" })
            parts.append(device.memoryBytes.map { ByteText.size($0) })
            if !device.isUsable { parts.append("cannot be used: \(device.reason ?? "")") }
            table.add(device.id, parts.compactMap(\.self).joined(separator: ", "))
        }
        for library in accelerators {
            if let version = library.version {
                table.add(library.name, version)
            } else if library.isUnusable {
                table.add(library.name, "cannot be used: \(library.reason ?? "")")
            }
        }
        var lines = table.lines
        if hasReasons, let cudaUnavailable {
            lines.append("no GPU: \(cudaUnavailable.message)")
            if let remedy = cudaUnavailable.remedy { lines.append(remedy) }
        }
        return lines.joined(separator: "\n")
    }
}
