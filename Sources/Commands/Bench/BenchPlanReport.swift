import UD2MFormats
import UD2MRuntime

/// The result of `ud2m bench --plan-only` (`schemas/bench-plan.schema.json`). Nothing in it is measured.
struct BenchPlanReport: Encodable {
    struct Traffic: Encodable {
        let bytesRead: Int
        let bytesWritten: Int
    }

    /// The launches of one kernel.
    struct Kernel: Encodable {
        let name: String
        var launches = 0
        var gflop = 0.0
        var bytesRead = 0
        var bytesWritten = 0
    }

    /// What the plan takes at the least on a GPU.
    struct Estimate: Encodable {
        let gpu: String
        let peakTflops: Double
        let gigabytesPerSecond: Double
        let estimatedSeconds: Double
        let isEstimate = true
    }

    let tool = "ud2m bench"
    let version = Version.current
    let planOnly = true
    let store: String
    let architecture: String
    let device = "cuda"
    let precision: String
    let size: ImageSize
    let batch: Int
    let launches: Int
    /// By the definition of the layers, for the whole batch.
    let gflopPerForward: Double
    let weightBytes: Int
    let arenaBytes: Int
    /// Of the plan's launches, each operand once.
    let fused: Traffic
    /// If every operation were a launch of its own.
    let unfused: Traffic
    let kernels: [Kernel]?
    let estimates: [Estimate]

    init(store: String, architecture: String, plan: DevicePlan, size: ImageSize, perKernel: Bool) {
        self.store = store
        self.architecture = architecture
        precision = plan.element.precisionName
        self.size = size
        batch = plan.images
        let all = plan.launches
        launches = all.count
        gflopPerForward = all.reduce(0) { $0 + $1.flops } * 1e-9
        weightBytes = plan.weightBytes
        arenaBytes = plan.arenaBytes
        fused = Traffic(
            bytesRead: all.reduce(0) { $0 + $1.bytesRead }, bytesWritten: all.reduce(0) { $0 + $1.bytesWritten })
        unfused = Traffic(bytesRead: plan.unfused.bytesRead, bytesWritten: plan.unfused.bytesWritten)
        kernels = perKernel ? Self.kernels(all) : nil
        estimates = PublishedGPU.all.map { gpu in
            let peak = gpu.teraflops(plan.element)
            return Estimate(
                gpu: gpu.name, peakTflops: peak, gigabytesPerSecond: gpu.gigabytesPerSecond,
                estimatedSeconds: all.reduce(0) {
                    $0
                        + max(
                            $1.flops / (peak * 1e12),
                            Double($1.bytesRead + $1.bytesWritten) / (gpu.gigabytesPerSecond * 1e9))
                })
        }
    }

    /// Launches by their kernel, those that move most first.
    private static func kernels(_ launches: [DeviceLaunch]) -> [Kernel] {
        var kernels: [String: Kernel] = [:]
        for launch in launches {
            var kernel = kernels[launch.kernel] ?? Kernel(name: launch.kernel)
            kernel.launches += 1
            kernel.gflop += launch.flops * 1e-9
            kernel.bytesRead += launch.bytesRead
            kernel.bytesWritten += launch.bytesWritten
            kernels[launch.kernel] = kernel
        }
        return kernels.values.sorted {
            ($0.bytesRead + $0.bytesWritten, $1.name) > ($1.bytesRead + $1.bytesWritten, $0.name)
        }
    }
}

/// A GPU as its maker's data sheet describes it: matrix products without sparsity, and memory.
struct PublishedGPU {
    let name: String
    /// Of fp16 and bf16 on tensor cores.
    let halfTeraflops: Double
    /// Of fp32 without them.
    let singleTeraflops: Double
    let gigabytesPerSecond: Double

    static let all = [
        PublishedGPU(name: "A100 SXM 80 GB", halfTeraflops: 312, singleTeraflops: 19.5, gigabytesPerSecond: 2039),
        PublishedGPU(name: "H100 SXM 80 GB", halfTeraflops: 989, singleTeraflops: 67, gigabytesPerSecond: 3350),
        PublishedGPU(name: "H200 SXM 141 GB", halfTeraflops: 989, singleTeraflops: 67, gigabytesPerSecond: 4800),
        PublishedGPU(name: "RTX 5090", halfTeraflops: 209.5, singleTeraflops: 104.8, gigabytesPerSecond: 1792),
    ]

    /// Floating-point operations a second, in units of 10¹².
    func teraflops(_ element: DeviceElement) -> Double { element == .f32 ? singleTeraflops : halfTeraflops }
}

extension BenchPlanReport {
    /// The report as lines for a person.
    var text: String {
        let images = batch == 1 ? "" : ", batch \(batch)"
        var lines = [
            "\(store.escapedForDisplay): \(architecture), \(size.height)×\(size.width)\(images), plan for a GPU, "
                + "\(precision) precision",
            "\(launches) launches, \(numberText("%.4g", gflopPerForward)) GFLOP",
            "weights: \(ByteText.size(weightBytes)); activations: \(ByteText.size(arenaBytes))",
            "fused: reads \(ByteText.size(fused.bytesRead)), writes \(ByteText.size(fused.bytesWritten)); unfused: reads "
                + "\(ByteText.size(unfused.bytesRead)), writes \(ByteText.size(unfused.bytesWritten))",
        ]
        lines += estimates.map {
            "estimate for \($0.gpu): at least \(numberText("%.3g", $0.estimatedSeconds * 1000)) ms a forward "
                + "(published: \(numberText("%g", $0.peakTflops)) TFLOP/s, \(numberText("%g", $0.gigabytesPerSecond)) GB/s)"
        }
        guard let kernels else { return lines.joined(separator: "\n") }
        var table = TextTable([.left, .right, .right, .right, .right])
        table.add("kernel", "launches", "GFLOP", "read", "written")
        for kernel in kernels {
            table.add(
                kernel.name, "\(kernel.launches)", kernel.gflop > 0 ? numberText("%.4g", kernel.gflop) : "",
                ByteText.size(kernel.bytesRead), ByteText.size(kernel.bytesWritten))
        }
        return (lines + table.lines).joined(separator: "\n")
    }
}
