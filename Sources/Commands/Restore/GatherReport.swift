import UD2MFormats

/// The result of `ud2m gather` (`schemas/gather.schema.json`).
struct GatherReport: Encodable {
    /// An image that is not finished, and why.
    struct Open: Encodable {
        enum Reason: String, Encodable {
            /// No shard recorded it.
            case notRecorded = "not-recorded"
            /// Its output is not there.
            case outputMissing = "output-missing"
            /// Its output has other bytes than were written.
            case outputChanged = "output-changed"
        }

        let image: String
        let output: String?
        let reason: Reason
    }

    /// Means over the finished images that have a reference.
    struct Means: Encodable {
        let count: Int
        let psnr: Double
        let ssim: Double?
        let lpips: Double?
    }

    let tool = "ud2m gather"
    let version = Version.current
    let folder: String
    /// Of all shards, those of images done twice included.
    let records: Int
    /// Images whose output is as it was written.
    let finished: Int
    let open: [Open]
    /// Outputs that shards wrote with different bytes: they ran with other options, or on another image.
    let conflicts: [String]
    /// How many sets of options, and of networks, the finished images were made with: 1 for a run of one piece.
    let optionSets: Int
    let models: Int
    /// Of the finished images, in all.
    let seconds: Double
    let means: Means?

    private let done: [RestoreLedger.Record]

    private enum CodingKeys: CodingKey {
        case tool, version, folder, records, finished, open, conflicts, optionSets, models, seconds, means
    }

    /// Compares outputs with their records.
    /// - Parameters:
    ///   - folder: The folder of outputs, as named.
    ///   - records: Those of all shards.
    ///   - wanted: The images that should be done; nil for those that were recorded.
    init(folder: String, records: [RestoreLedger.Record], wanted: [String]?) {
        self.folder = folder
        self.records = records.count
        let byOutput = Dictionary(grouping: records, by: \.output)
        var done: [RestoreLedger.Record] = []
        var open: [Open] = []
        for (output, all) in byOutput.sorted(by: { $0.key < $1.key }) {
            guard let last = all.last else { continue }
            guard let digest = try? RestoreLedger.digest(of: output) else {
                open.append(Open(image: last.input, output: output, reason: .outputMissing))
                continue
            }
            if let record = all.last(where: { $0.outputDigest == digest }) {
                done.append(record)
            } else {
                open.append(Open(image: last.input, output: output, reason: .outputChanged))
            }
        }
        if let wanted {
            let recorded = Set(records.map(\.input))
            open += wanted.filter { !recorded.contains($0) }.map { Open(image: $0, output: nil, reason: .notRecorded) }
        }
        self.done = done
        self.open = open
        finished = done.count
        conflicts = byOutput.filter { Set($0.value.map(\.outputDigest)).count > 1 }.keys.sorted()
        optionSets = Set(done.map(\.options)).count
        models = Set(done.map(\.model)).count
        seconds = done.reduce(0) { $0 + $1.seconds }
        func mean(_ values: [Double]) -> Double? {
            values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
        }
        means = mean(done.compactMap(\.psnr)).map {
            Means(
                count: done.count { $0.psnr != nil }, psnr: $0, ssim: mean(done.compactMap(\.ssim)),
                lpips: mean(done.compactMap(\.lpips)))
        }
    }

    /// Whether nothing is left to do.
    var isComplete: Bool { open.isEmpty }

    /// One line a finished image, for spreadsheets.
    var csvText: String {
        let rows = done.map { record in
            [record.input, record.output, "\(record.seconds)"]
                + [record.psnr, record.ssim, record.lpips].map { $0.map { "\($0)" } ?? "" }
        }
        return CSVText.text(["image", "output", "seconds", "psnr", "ssim", "lpips"], rows)
    }

    /// The report for a person; `isQuiet` leaves out everything but what is open.
    func text(isQuiet: Bool) -> String {
        var lines = open.map { item in
            let place = (item.output ?? item.image).escapedForDisplay
            return switch item.reason {
            case .notRecorded: "\(place): not done"
            case .outputMissing: "\(place): is not there any more"
            case .outputChanged: "\(place): has been changed since it was written"
            }
        }
        guard !isQuiet else { return lines.joined(separator: "\n") }
        lines += conflicts.map { "\($0.escapedForDisplay): was written with different bytes" }
        if optionSets > 1 { lines.append("made with \(optionSets) different sets of options") }
        if models > 1 { lines.append("made with \(models) different networks") }
        lines.append("\(finished) finished, \(open.count) open, \(numberText("%.1f", seconds)) s of work")
        if let means { lines.append("mean PSNR of \(means.count): \(numberText("%.2f", means.psnr)) dB") }
        return lines.joined(separator: "\n")
    }
}
