import UD2MFormats

/// The results of several images together.
struct RestoreSummary: Encodable {
    /// Averages over the images that have a reference.
    struct Means: Encodable {
        let count: Int
        let psnr: RestoreReport.Comparison
        let ssim: RestoreReport.Comparison?
        let lpips: RestoreReport.Comparison?
    }

    let files: [Batch<RestoreOutcome>.Entry]
    let means: Means?
    /// Of a dry run, the seconds of all images; nil of other runs, and where none were timed.
    let expectedSeconds: Double?

    init(_ batch: Batch<RestoreOutcome>) {
        files = batch.entries
        let reports = Self.restored(batch)
        means = Self.mean(reports.compactMap(\.psnr)).map { psnr in
            Means(
                count: reports.count { $0.psnr != nil }, psnr: psnr, ssim: Self.mean(reports.compactMap(\.ssim)),
                lpips: Self.mean(reports.compactMap(\.lpips)))
        }
        let expected = batch.reports.compactMap {
            if case .planned(let forecast) = $0 { forecast.expectedSeconds } else { nil }
        }
        expectedSeconds = expected.isEmpty ? nil : expected.reduce(0, +)
    }

    /// "mean of 12: 24.10 dB -> 28.90 dB" where there are references, or the time that a dry run expects.
    var text: String? {
        if let expectedSeconds { return "all images: about \(RestoreForecast.duration(expectedSeconds))" }
        return means.map {
            "mean of \($0.count): \($0.psnr.observation.decimals) dB -> \($0.psnr.restored.decimals) dB"
        }
    }

    /// One line an image, for spreadsheets.
    static func csv(_ batch: Batch<RestoreOutcome>) -> String {
        let header = [
            "image", "output", "seconds", "psnr_observation", "psnr", "ssim_observation", "ssim", "lpips_observation",
            "lpips", "coverage",
        ]
        let rows = restored(batch).map { report in
            let metrics = [report.psnr, report.ssim, report.lpips].flatMap { [$0?.observation, $0?.restored] }
            return [report.image, report.output, "\(report.seconds)"] + metrics.map { $0.map { "\($0.value)" } ?? "" }
                + [report.coverage.map { "\($0.share)" } ?? ""]
        }
        return CSVText.text(header, rows)
    }

    private static func restored(_ batch: Batch<RestoreOutcome>) -> [RestoreReport] {
        batch.reports.compactMap { if case .restored(let report) = $0 { report } else { nil } }
    }

    private static func mean(_ values: [RestoreReport.Comparison]) -> RestoreReport.Comparison? {
        guard !values.isEmpty else { return nil }
        func mean(_ number: (RestoreReport.Comparison) -> ReportNumber) -> ReportNumber {
            ReportNumber(values.reduce(0) { $0 + number($1).value } / Double(values.count))
        }
        return RestoreReport.Comparison(observation: mean(\.observation), restored: mean(\.restored))
    }
}
