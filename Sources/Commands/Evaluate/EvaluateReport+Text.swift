import UD2MFormats

extension EvaluateReport {
    /// Computes mean and deviation of each paired metric over the images that have it.
    mutating func summarize(_ metrics: Set<EvaluationMetric>) {
        for metric in metrics where metric.isPaired {
            let measured = images.compactMap { $0[metric]?.value }
            guard !measured.isEmpty else { continue }
            // Only equal images have an infinite PSNR.
            let values = metric == .psnr ? measured.filter { $0 != .infinity } : measured
            let mean = values.reduce(0, +) / Double(values.count)
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            summary[metric.rawValue] = Summary(
                mean: values.isEmpty ? nil : ReportNumber(mean),
                deviation: values.count < 2
                    ? nil : ReportNumber((squares / Double(values.count - 1)).squareRoot()), count: measured.count,
                identical: metric == .psnr ? measured.count - values.count : nil)
        }
    }

    /// A table of the images when asked for, then a line a metric.
    func text(hasRows: Bool) -> String {
        var lines: [String] = []
        let paired = metrics.filter(\.isPaired)
        if hasRows, images.count > 1 {
            var table = TextTable([.left] + paired.map { _ in .right })
            table.add(["image"] + paired.map { $0.rawValue.uppercased() })
            for item in images where item.failure == nil {
                table.add([item.name.escapedForDisplay] + paired.map { item[$0]?.text(of: $0) ?? "" })
            }
            lines += table.lines
        }
        for metric in paired {
            guard let summary = summary[metric.rawValue] else { continue }
            let mean = summary.mean?.text(of: metric) ?? "inf"
            let deviation = summary.deviation.map { " ± \($0.text(of: metric))" } ?? ""
            let unit = metric == .psnr ? " dB" : ""
            let count = images.count > 1 ? " (\(summary.countText))" : ""
            lines.append("\(metric.rawValue.uppercased()) \(mean)\(deviation)\(unit)\(count)")
        }
        if let fid {
            let reference = fid.referenceCount.map(String.init) ?? "statistics"
            lines.append("FID \(fid.value.text(of: .fid)) (\(fid.restoredCount) against \(reference))")
        }
        if let kid {
            lines.append(
                "KID \(kid.mean.text(of: .kid)) ± \(kid.deviation.text(of: .kid)) "
                    + "(\(kid.subsets) \(kid.subsets == 1 ? "subset" : "subsets") of \(kid.subsetSize))")
        }
        return lines.joined(separator: "\n")
    }

    /// Comma-separated values: a line for each image, numbers in full.
    func csv(_ metrics: Set<EvaluationMetric>) -> String {
        let paired = EvaluationMetric.allCases.filter { $0.isPaired && metrics.contains($0) }
        let header = ["name", "restored", "reference"] + paired.map(\.rawValue) + ["error"]
        let rows = images.map { item in
            [item.name, item.restored, item.reference] + paired.map { item[$0]?.full ?? "" }
                + [item.error.map(\.code) ?? ""]
        }
        return CSVText.text(header, rows)
    }
}

extension EvaluateReport.Summary {
    /// Which images the mean is of: "3 images", "2 of 3 images, 1 equal to its reference".
    fileprivate var countText: String {
        guard let identical, identical > 0 else { return "\(count) images" }
        if identical == count { return "all \(count) images equal to their references" }
        let references = identical == 1 ? "its reference" : "their references"
        return "\(count - identical) of \(count) images, \(identical) equal to \(references)"
    }
}

extension ReportNumber {
    /// The number as a table shows it.
    fileprivate func text(of metric: EvaluationMetric) -> String {
        switch metric {
        case .psnr: decimals
        case .ssim, .lpips, .fid: value.isFinite ? numberText("%.4f", value) : text
        case .kid: value.isFinite ? numberText("%.6f", value) : text
        }
    }

    /// Every digit; `inf` and `nan` as other programs read them.
    fileprivate var full: String { value.isFinite ? "\(value)" : value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
}
