import ArgumentParser
import UD2MFormats
import UD2MRuntime

/// `ud2m evaluate`: how far restored images are from their references.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure restored images against references.",
        discussion: """
            RESTORED and REFERENCE are two files, or two folders whose images have the same names but for the suffix. \
            Values lie in [0, 1]; PSNR and SSIM take 1 as their range. FID and KID compare folders as wholes: with \
            --metrics fid,kid they need not have the same images. An image that cannot be read is reported and left \
            out; the exit code is then 3.
            """)

    @Argument(help: "The restored image, or a folder of them.")
    var restored: String

    @Argument(help: "The reference image, or a folder of them; not with --reference-statistics.")
    var reference: String?

    @Option(
        help: ArgumentHelp(
            "psnr, ssim, lpips, fid, kid, with commas between and no spaces. Unless given: psnr,ssim, with --lpips also "
                + "lpips, with --inception also fid,kid; fid alone with --reference-statistics.", valueName: "names"))
    var metrics: MetricList?

    @Option(help: "SSIM over windows inside the image, or over every pixel with mirrored borders as torchmetrics.")
    var ssimBorder: ImageMetrics.Border = .inside

    @OptionGroup
    var networks: EvaluationNetworkOptions

    @Option(help: ArgumentHelp("Write a line for each image.", valueName: "csv"))
    var csv: String?

    @Option(
        help: ArgumentHelp(
            "strict rounds least and takes about twice the time; fp16-weights halves the memory of weights and rounds "
                + "most.", valueName: "precision"))
    var precision = Precision.standard

    @OptionGroup
    var cpu: CPUOptions

    @Flag(help: "Replace existing outputs.")
    var force = false

    @OptionGroup
    var reporting: OutputOptions

    /// What is measured: as asked, or what the given files allow.
    private var chosen: Set<EvaluationMetric> {
        if let metrics { return metrics.metrics }
        if networks.referenceStatistics != nil { return [.fid] }
        return Set([.psnr, .ssim] + (networks.lpips == nil ? [] : [.lpips]))
            .union(networks.inception == nil ? [] : [.fid, .kid])
    }

    func validate() throws {
        try networks.validate(chosen, hasReference: reference != nil, hasCSV: csv != nil)
    }

    func run() throws {
        let progress = reporting.makeProgress()
        let report = try EvaluateRun(
            restored: restored, reference: reference, metrics: chosen, border: ssimBorder, networks: networks, csv: csv,
            cpu: cpu, precision: precision, overwrite: force
        ).execute(progress: progress)
        progress.finish()
        if !reporting.quiet { for note in report.notes { StandardError.print("note: \(note)") } }
        if reporting.json {
            try JSONOutput.print(report)
        } else {
            for error in report.errors { StandardError.print("error: \(error)") }
            try StandardOutput.print(report.text(hasRows: !reporting.quiet))
        }
        if report.exitCode != ExitCodes.success { throw ExitCode(report.exitCode) }
    }
}
