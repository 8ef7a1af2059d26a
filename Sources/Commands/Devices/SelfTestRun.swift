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
    ///   `cuda-failed` where it cannot be opened, `memory-exhausted` where others have filled it, `instruction-set` for a bad
    ///   `UD2M_ISA`. What else goes wrong in a case is in the report.
    func execute(progress: any ProgressSink) throws -> SelfTestReport {
        let driver = try CUDADriver.load()
        let gpu = try driver.device(device.ordinal)
        let libraries = try accelerators.libraries()
        let test = try CUDASelfTest(gpu)
        let cases = try SelfTestCase.listed() + SelfTestCase.all()
        let count = cases.reduce(SamplerSelfTest.cases.count) { $0 + $1.elements.count }
        var results = Results(count: count, progress: progress)
        var assisted: CUDASelfTest?
        do {
            try run(cases, test, &results)
            let sampler = try SamplerSelfTest(test)
            for item in SamplerSelfTest.cases {
                try results.add(item.name, .f32, bound: item.bound, on: test) { try sampler.run(item) }
            }
            results.launched.formUnion(try sampler.launched)
            if !libraries.isEmpty {
                // The same once more, with whatever layers the libraries compute.
                let test = try CUDASelfTest(gpu, accelerators: libraries)
                assisted = test
                try run(cases.filter(\.hasProducts), test, suffix: " with libraries", &results)
            }
        } catch is DeviceLost {}
        return SelfTestReport(
            gpu, driver: driver.version, checks: results.checks, launched: results.launched,
            lostIn: results.lostIn, uses: assisted?.acceleratorUses)
    }

    private func run(_ cases: [SelfTestCase], _ test: CUDASelfTest, suffix: String = "", _ results: inout Results)
        throws
    {
        for item in cases {
            let store = try Self.store(item)
            for element in item.elements {
                let outcome = try results.add(
                    item.name + suffix, element, bound: item.bound(element), on: test
                ) { try test.run(item, store, element, threads: threads) }
                // A case that breaks off may not have come to all of its kernels.
                if outcome.failure == nil { results.launched.formUnion(try item.kernels(element)) }
            }
        }
    }

    /// The device does nothing more for this process.
    private struct DeviceLost: Error {}

    /// What the checks came to so far.
    private struct Results {
        /// How many checks are expected.
        let count: Int
        let progress: any ProgressSink
        private(set) var checks: [SelfTestReport.Check] = []
        var launched: Set<String> = []
        /// The check that ended with a fault of the device; nil without one.
        private(set) var lostIn: String?

        init(count: Int, progress: any ProgressSink) { (self.count, self.progress) = (count, progress) }

        /// Does a check.
        /// - Throws: ``DeviceLost`` when there can be no more of them, and what `body` throws.
        @discardableResult
        mutating func add(
            _ name: String, _ element: DeviceElement, bound: Double, on test: CUDASelfTest,
            _ body: () throws -> CUDASelfTest.Outcome
        ) throws -> CUDASelfTest.Outcome {
            progress.update(min(1, Double(checks.count) / Double(count)), label: name)
            let outcome = try body()
            checks.append(SelfTestReport.Check(name, element, outcome, bound: bound))
            guard outcome.failure == nil || test.isAlive else {
                lostIn = "\(name) in \(element.precisionName)"
                throw DeviceLost()
            }
            return outcome
        }
    }

    /// The weights of a case in a store whose file is gone already, so that nothing is left behind.
    private static func store(_ item: SelfTestCase) throws -> WeightStore {
        let parent = NamelessFile.folder
        // mkdtemp puts letters of its own in place of the six.
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
    /// The check that ended with a fault of the device, after which there could be no others; nil without one.
    let lostIn: String?
    /// Layers by libraries, beside the kernels; nil without libraries.
    let accelerators: [AcceleratorReport]?

    init(
        _ gpu: CUDADevice, driver: CUDADriver.Version, checks: [Check], launched: Set<String>, lostIn: String?,
        uses: [AcceleratorUse]?
    ) {
        device = "cuda:\(gpu.ordinal)"
        name = gpu.name
        computeCapability = gpu.capability.description
        driverVersion = driver.description
        self.checks = checks
        self.lostIn = lostIn
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
            if let lostIn {
                lines.append("The GPU stopped working for this process in \(lostIn); there are no checks after it.")
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
