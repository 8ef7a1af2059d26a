import UD2MFormats
import UD2MRuntime

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The result of `ud2m bench` (`schemas/bench.schema.json`).
struct BenchReport: Encodable {
    /// Operations of one kind and shape, in one run.
    struct Operation: Encodable {
        let kind: String
        let detail: String
        let count: Int
        let seconds: Double
        /// Of all operations' time.
        let share: Double
        let gflop: Double
        let gflopsPerSecond: Double
    }

    /// What adapters beside the network cost.
    struct Adapters: Encodable {
        /// Tensors that they change.
        let tensors: Int
        /// Memory that the prepared adapters take.
        let bytes: Int
        /// The median time to prepare them for the loaded network.
        let secondsToSwitch: Double
        /// The median of runs without them.
        let secondsWithout: Double
    }

    let tool = "ud2m bench"
    let version = Version.current
    let store: String
    let architecture: String
    /// "cpu" or "cuda:0".
    let device: String
    /// The GPU's; nil on the CPU.
    let deviceName: String?
    /// What libraries computed; nil where none was asked for.
    let accelerators: [AcceleratorReport]?
    /// Of the CPU; nil on a GPU, as the next.
    let instructionSet: String?
    let threads: Int?
    let precision: String
    let size: ImageSize
    let batch: Int
    let runs: Int
    /// The median.
    let secondsPerForward: Double
    let secondsMinimum: Double
    let secondsMaximum: Double
    /// By the definition of the layers, for the whole batch.
    let gflopPerForward: Double
    let gflopsPerSecond: Double
    /// Of multiply-adds in registers on the same threads; nil on a GPU.
    let peakGflopsPerSecond: Double?
    let shareOfPeak: Double?
    /// The mapped file.
    let storeBytes: Int
    /// Weights, packed or on the device, and activations.
    let networkBytes: Int
    /// The most memory the process had, the file's touched pages included.
    let peakResidentBytes: Int
    let operations: [Operation]?
    /// The median of what a run takes beside its operations: checking inputs, making outputs. Nil without a table.
    let secondsBesideOperations: Double?
    /// Nil without adapters, and where they are merged.
    let adapters: Adapters?

    init(
        store: String, architecture: String, target: ComputeTarget, threads: Int?, size: ImageSize, batch: Int,
        seconds: [Double],
        operations: Double, peak: Double?, networkBytes: Int, storeBytes: Int, profile: [OperationProfile.Entry]?,
        besides: [Double]?, adapters: Adapters?
    ) {
        let sorted = seconds.sorted()
        let median = Self.median(seconds)
        self.store = store
        self.architecture = architecture
        device = target.name
        deviceName = target.deviceName
        accelerators = target.accelerators
        instructionSet = target.isCPU ? InstructionSet.current : nil
        self.threads = threads
        precision = target.precisionName
        self.size = size
        self.batch = batch
        runs = seconds.count
        secondsPerForward = median
        secondsMinimum = sorted[0]
        secondsMaximum = sorted[sorted.count - 1]
        gflopPerForward = operations * 1e-9
        gflopsPerSecond = operations * 1e-9 / median
        peakGflopsPerSecond = peak.map { $0 * 1e-9 }
        shareOfPeak = peak.map { operations / median / $0 }
        self.storeBytes = storeBytes
        self.adapters = adapters
        secondsBesideOperations = besides.map(Self.median)
        self.networkBytes = networkBytes
        peakResidentBytes = Self.peakResidentBytes
        let total = profile?.reduce(0) { $0 + $1.seconds } ?? 0
        self.operations = profile?.map { entry in
            let runs = Double(seconds.count)
            return Operation(
                kind: entry.kind, detail: entry.detail, count: entry.count / seconds.count,
                seconds: entry.seconds / runs, share: total > 0 ? entry.seconds / total : 0,
                gflop: entry.operations * 1e-9 / runs,
                gflopsPerSecond: entry.seconds > 0 ? entry.operations * 1e-9 / entry.seconds : 0)
        }
    }

    /// The middle of some times; 0 of none.
    static func median(_ seconds: [Double]) -> Double {
        let sorted = seconds.sorted()
        guard !sorted.isEmpty else { return 0 }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    #if !canImport(Darwin)
        /// The kernel's own count for this process, in KiB.
        private static var highWaterMark: Int? {
            guard let file = fopen("/proc/self/status", "r") else { return nil }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 256)
            while fgets(&line, Int32(line.count), file) != nil {
                let words = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }.split { [9, 10, 32].contains($0) }
                guard words.count > 1, words[0].elementsEqual("VmHWM:".utf8) else { continue }
                return Int(String(decoding: words[1], as: UTF8.self))
            }
            return nil
        }
    #endif

    private static var peakResidentBytes: Int {
        #if !canImport(Darwin)
            // What `getrusage` tells would be the memory of whoever started the process, where that had more.
            if let kibibytes = highWaterMark { return kibibytes * 1024 }
        #endif
        var usage = rusage()
        #if canImport(Darwin)
            getrusage(RUSAGE_SELF, &usage)
            return usage.ru_maxrss
        #else
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            return usage.ru_maxrss * 1024
        #endif
    }
}

extension BenchReport {
    /// The report as lines for a person; the median alone without details.
    func text(hasDetails: Bool) -> String {
        guard hasDetails else { return numberText("%.4g", secondsPerForward) + " s" }
        let images = batch == 1 ? "" : ", batch \(batch)"
        let place =
            [threads.map { "\($0) threads" }, instructionSet, deviceName].compactMap(\.self).joined(separator: ", ")
        var lines = [
            "\(store.escapedForDisplay): \(architecture), \(size.height)×\(size.width)\(images), \(place), "
                + "\(precision) precision",
            "\(numberText("%.4g", secondsPerForward)) s a forward (\(numberText("%.4g", secondsMinimum)) to "
                + "\(numberText("%.4g", secondsMaximum)) in \(runs) runs)",
        ]
        var speed =
            "\(numberText("%.4g", gflopPerForward)) GFLOP, effectively \(numberText("%.4g", gflopsPerSecond)) GFLOP/s"
        if let peakGflopsPerSecond, let shareOfPeak {
            speed += ", \(numberText("%.0f", shareOfPeak * 100)) % of the peak of "
            speed += numberText("%.4g", peakGflopsPerSecond)
        }
        lines.append(speed)
        let owner = deviceName == nil ? ", of it" : "; on the GPU"
        let memory = "\(owner) \(ByteText.size(networkBytes)) for activations and packed weights"
        lines.append(
            "\(ByteText.size(peakResidentBytes)) resident at most\(memory); the store has \(ByteText.size(storeBytes))")
        if let adapters {
            lines.append(
                "adapters: \(adapters.tensors) tensors, \(ByteText.size(adapters.bytes)), switched to in "
                    + "\(numberText("%.2f", adapters.secondsToSwitch * 1000)) ms; without them "
                    + "\(numberText("%.4g", adapters.secondsWithout)) s a forward")
        }
        lines += AcceleratorReport.lines(accelerators ?? [])
        if let operations { lines += table(operations) }
        if let secondsBesideOperations {
            lines.append("\(numberText("%.3f", secondsBesideOperations * 1000)) ms beside the operations")
        }
        return lines.joined(separator: "\n")
    }

    private func table(_ operations: [Operation]) -> [String] {
        var table = TextTable([.left, .left, .right, .right, .right, .right])
        table.add("operation", "shape", "count", "ms", "share", "GFLOP/s")
        for operation in operations {
            table.add(
                operation.kind, operation.detail, "\(operation.count)",
                numberText("%.2f", operation.seconds * 1000),
                numberText("%.1f", operation.share * 100) + " %",
                operation.gflop > 0 ? numberText("%.0f", operation.gflopsPerSecond) : "")
        }
        return table.lines
    }
}
