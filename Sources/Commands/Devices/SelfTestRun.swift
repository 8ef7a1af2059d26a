import UD2MFormats
import UD2MRuntime
import UD2MSampler

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The work of `ud2m cuda-selftest`.
struct SelfTestRun {
    let device: DeviceChoice
    let accelerators: AcceleratorChoice
    let threads: Int

    /// Runs every case in every type of elements.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `cuda-unavailable` where there is no GPU, `accelerator-unavailable`,
    ///   `cuda-failed` where it cannot be opened, `instruction-set` for a bad `UD2M_ISA`. What goes wrong in a case is in the
    ///   report.
    func execute(progress: any ProgressSink) throws -> SelfTestReport {
        let driver = try CUDADriver.load()
        let gpu = try driver.device(device.ordinal)
        let libraries = try accelerators.libraries()
        let test = try CUDASelfTest(gpu)
        var checks: [SelfTestReport.Check] = []
        var launched: Set<String> = []
        let cases = try SelfTestCase.all()
        let count = Double(cases.count * DeviceElement.allCases.count + SamplerSelfTest.cases.count)
        for item in cases {
            let store = try Self.store(item)
            for element in [DeviceElement.f32, .f16, .bf16] {
                progress.update(Double(checks.count) / count, label: item.name)
                let outcome = test.run(item, store, element, threads: threads)
                checks.append(SelfTestReport.Check(item.name, element, outcome, bound: CUDASelfTest.bound(element)))
                // A case that breaks off may not have come to all of its kernels.
                if outcome.failure == nil { launched.formUnion(try item.kernels(element)) }
            }
        }
        let sampler = try SamplerSelfTest(test)
        for item in SamplerSelfTest.cases {
            progress.update(Double(checks.count) / count, label: item.name)
            checks.append(SelfTestReport.Check(item.name, .f32, sampler.run(item), bound: item.bound))
        }
        launched.formUnion(try sampler.launched)
        guard !libraries.isEmpty else {
            return SelfTestReport(gpu, driver: driver.version, checks: checks, launched: launched, uses: nil)
        }
        // The same once more, with whatever layers the libraries compute.
        let assisted = try CUDASelfTest(gpu, accelerators: libraries)
        for item in cases where item.hasProducts {
            let store = try Self.store(item)
            for element in [DeviceElement.f32, .f16, .bf16] {
                progress.update(1, label: "\(item.name) with libraries")
                let outcome = assisted.run(item, store, element, threads: threads)
                checks.append(
                    SelfTestReport.Check(
                        "\(item.name) with libraries", element, outcome, bound: CUDASelfTest.bound(element)))
            }
        }
        return SelfTestReport(
            gpu, driver: driver.version, checks: checks, launched: launched, uses: assisted.acceleratorUses)
    }

    /// The weights of a case in a store whose file is gone already, so that nothing is left behind.
    private static func store(_ item: SelfTestCase) throws -> WeightStore {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/.ud2m-selftest.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw UD2MError(
                .selfTestFolder, "No folder can be made in \(parent): \(String(cString: strerror(errno))).",
                remedy: "Set TMPDIR to a folder that can be written.")
        }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let path = "\(folder)/weights.ud2w"
        defer {
            unlink(path)
            rmdir(folder)
        }
        _ = try WeightStoreWriter(tensors: item.weights, information: StoreMetadata()).write(to: path)
        return try WeightStore(path: path)
    }
}

/// The result of `ud2m cuda-selftest` (`schemas/cuda-selftest.schema.json`).
struct SelfTestReport: Encodable {
    struct Check: Encodable {
        let name: String
        let precision: String
        /// The largest difference over the largest value; nil where it is no number or the check broke off.
        let error: Double?
        let bound: Double
        let passed: Bool
        let failure: String?
        let milliseconds: Double?

        init(_ name: String, _ element: DeviceElement, _ outcome: CUDASelfTest.Outcome, bound: Double) {
            self.name = name
            precision = element.precisionName
            error = outcome.error
            self.bound = bound
            passed = outcome.failure == nil && outcome.passes(bound)
            failure = outcome.failure
            milliseconds = outcome.seconds.map { ($0 * 1e6).rounded() / 1e3 }
        }
    }

    struct Kernels: Encodable {
        let total: Int
        let run: Int
        let notRun: [String]
    }

    let tool = "ud2m cuda-selftest"
    let version = Version.current
    let device: String
    let name: String
    let computeCapability: String
    let driverVersion: String
    /// Whether every check passed and every kernel ran.
    let passed: Bool
    let checks: [Check]
    let kernels: Kernels
    /// Layers by libraries, beside the kernels; nil without libraries.
    let accelerators: [AcceleratorReport]?

    init(
        _ gpu: CUDADevice, driver: CUDADriver.Version, checks: [Check], launched: Set<String>, uses: [AcceleratorUse]?
    ) {
        device = "cuda:\(gpu.ordinal)"
        name = gpu.name
        computeCapability = gpu.capability.description
        driverVersion = driver.description
        self.checks = checks
        accelerators = uses?.map { AcceleratorReport($0) }
        let all = CUDASelfTest.kernels
        kernels = Kernels(
            total: all.count, run: all.intersection(launched).count, notRun: all.subtracting(launched).sorted())
        passed = checks.allSatisfy(\.passed) && kernels.notRun.isEmpty
    }
}

extension SelfTestReport {
    /// The report as lines for a person; the verdict alone without checks.
    func text(hasChecks: Bool) -> String {
        var lines: [String] = []
        if hasChecks {
            lines.append(
                "\(device): \(name), compute capability \(computeCapability), driver for CUDA \(driverVersion)")
            var table = TextTable([.left, .left, .right, .right, .right, .left])
            table.add("check", "precision", "error", "at most", "ms", "")
            for check in checks {
                table.add(
                    check.name, check.precision, check.error.map { numberText("%.1e", $0) } ?? "–",
                    numberText("%.1e", check.bound), check.milliseconds.map { numberText("%.2f", $0) } ?? "–",
                    check.passed ? "passed" : "FAILED")
            }
            lines += table.lines
            lines += AcceleratorReport.lines(accelerators ?? [])
            lines += checks.compactMap { check in
                check.failure.map { "\(check.name) in \(check.precision): \($0)" }
            }
            if !kernels.notRun.isEmpty { lines.append("not launched: \(kernels.notRun.joined(separator: ", "))") }
        }
        let failed = checks.count { !$0.passed }
        lines.append(
            passed
                ? "passed: \(checks.count) checks, \(kernels.run) kernels"
                : "FAILED: \(failed) of \(checks.count) checks; \(kernels.run) of \(kernels.total) kernels ran")
        return lines.joined(separator: "\n")
    }
}

extension UD2MError.Code {
    /// The self-test has nowhere to put its weights.
    static let selfTestFolder = UD2MError.Code("selftest-folder", .cannotCreate)
}
