/// Where a run reports its progress, and asks whether to go on.
public struct SamplerMonitor: Sendable {
    /// Called with the part of the work done, from 0 to 1, and a few words on what comes next.
    public var report: @Sendable (_ fraction: Double, _ label: String) -> Void
    /// Asked before every denoising; true ends the run with the error `cancelled`.
    public var isCancelled: @Sendable () -> Bool

    /// Creates a monitor; what is left out reports nothing and never cancels.
    public init(
        report: @escaping @Sendable (_ fraction: Double, _ label: String) -> Void = { _, _ in },
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) {
        self.report = report
        self.isCancelled = isCancelled
    }

    /// Reports nothing and never cancels.
    public static let silent = SamplerMonitor()
}
