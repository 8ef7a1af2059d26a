import ArgumentParser
import UD2MFormats
import UD2MRuntime

/// Where and how networks compute: the options of the commands that run one on the CPU or a GPU.
struct ComputeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the network runs: cpu; cuda, or cuda:N for one GPU of ud2m devices; auto, which is a GPU where one can be "
                + "used and the CPU elsewhere.", valueName: "device"))
    var device = DeviceChoice.cpu

    @Option(
        help: ArgumentHelp(
            "On the CPU default, strict, which rounds least and takes a third longer, or fp16-weights, which halves "
                + "the memory of weights and rounds most. On GPUs fp16, the default, bf16, or fp32, which strict is too.",
            valueName: "precision"))
    var precision = PrecisionChoice.default

    @Option(
        help: ArgumentHelp(
            "Libraries that may compute products on a GPU, each layer checked against the kernels on first use: none; auto, "
                + "which is those that are found; or cublaslt, cudnn, or both with a comma.", valueName: "libraries"))
    var accelerators = AcceleratorChoice.none

    @OptionGroup
    var cpu: CPUOptions

    func validate() throws {
        if device == .cpu, precision.cpu == nil {
            throw ValidationError(
                "--precision \(precision.rawValue) is of GPUs: pass --device cuda, or default, strict or fp16-weights.")
        }
        if device.isCUDA, precision.cuda == nil {
            throw ValidationError(
                "--precision \(precision.rawValue) is of the CPU: pass --device cpu, or fp16, bf16 or fp32.")
        }
        if device == .cpu, accelerators != .none {
            throw ValidationError("--accelerators are of GPUs: pass --device cuda.")
        }
        if device != .cpu, cpu.algorithms != nil {
            throw ValidationError("--algorithms are of the CPU: pass --device cpu.")
        }
    }

    /// What `--device` comes to on this machine. Where `auto` finds no GPU, or is given a precision of the CPU, it says why on
    /// standard error, unless `isQuiet`.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `cuda-unavailable`, unless the CPU will do; `accelerator-unavailable`.
    func target(isQuiet: Bool) throws -> ComputeTarget {
        switch device {
        case .cpu: return cpuTarget
        case .cuda(let ordinal): return try cudaTarget(ordinal)
        case .auto:
            guard precision.cuda != nil else {
                if !isQuiet {
                    StandardError.print("note: running on the CPU, which --precision \(precision.rawValue) is of.")
                }
                return cpuTarget
            }
            do {
                return try cudaTarget(nil)
            } catch let error as UD2MError where error.code == .cudaUnavailable {
                var ignored = precision.cpu == nil ? ["--precision \(precision.rawValue)"] : []
                if accelerators != .none { ignored.append("--accelerators") }
                let rest = ignored.isEmpty ? "" : " Without effect there: \(ignored.joined(separator: ", "))."
                if !isQuiet { StandardError.print("note: running on the CPU. \(error.message)\(rest)") }
                return cpuTarget
            }
        }
    }

    /// The CPU. It rounds less than a GPU's 16 bits, and so stands in for all its precisions.
    private var cpuTarget: ComputeTarget { .cpu(cpu, precision.cpu ?? .standard) }

    private func cudaTarget(_ ordinal: Int?) throws -> ComputeTarget {
        let gpu = try CUDADriver.load().device(ordinal)
        let context = try CUDAContext(gpu, accelerators: accelerators.libraries())
        return .cuda(context, precision.cuda ?? .f16)
    }
}
