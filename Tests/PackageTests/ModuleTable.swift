/// The modules and what each may depend on and import: `docs/architecture.md` in a form that tests can read.
enum ModuleTable {
    /// A module's folder under `Sources` and its allowed targets, direct or through others.
    struct Module {
        let folder: String
        let mayUse: Set<String>
    }

    static let modules: [String: Module] = [
        "UD2MFormats": Module(folder: "Formats", mayUse: ["CFileSystem", "CZlib", "CDeflate", "CXXHash", "CCrypto"]),
        "UD2MConvert": Module(folder: "Convert", mayUse: ["UD2MFormats"]),
        "UD2MLinearAlgebra": Module(folder: "LinearAlgebra", mayUse: ["UD2MFormats", "CLAPACK"]),
        "UD2MLoRA": Module(folder: "LoRA", mayUse: ["UD2MFormats", "UD2MLinearAlgebra", "CUD2MKernels"]),
        "CUD2MKernels": Module(folder: "Kernels", mayUse: []),
        "CUD2MCUDA": Module(folder: "CUDA", mayUse: []),
        "CUD2MFFT": Module(folder: "FFT", mayUse: []),
        "CUD2MImageCodecs": Module(folder: "ImageCodecs", mayUse: ["CPNG"]),
        "UD2MRuntime": Module(
            folder: "Runtime", mayUse: ["UD2MFormats", "UD2MLinearAlgebra", "CUD2MKernels", "CUD2MCUDA"]),
        "UD2MSampler": Module(
            folder: "Sampler", mayUse: ["UD2MFormats", "UD2MRuntime", "CUD2MKernels", "CUD2MCUDA", "CUD2MFFT"]),
        "UD2MImaging": Module(folder: "Imaging", mayUse: ["CUD2MImageCodecs", "CTurboJPEG"]),
        "UD2MCommands": Module(
            folder: "Commands",
            mayUse: [
                "UD2MFormats", "UD2MConvert", "UD2MLinearAlgebra", "UD2MLoRA", "UD2MRuntime", "UD2MSampler",
                "UD2MImaging", "ArgumentParser",
                "Logging",
            ]),
        "ud2m": Module(folder: "Executables/ud2m", mayUse: ["UD2MCommands"]),
        "ud2m-convert": Module(folder: "Executables/ud2m-convert", mayUse: ["UD2MCommands"]),
        "ud2m-lora": Module(folder: "Executables/ud2m-lora", mayUse: ["UD2MCommands"]),
    ]

    /// Targets outside `Sources` that only tests may use.
    static let testOnly: Set<String> = [
        "UD2MTestSupport", "CUD2MKernelCases", "CUD2MCUDADriver", "check-cuda-test-driver", "CUD2MAllocations",
    ]

    /// Modules of the toolchain and the system that any Swift file may import.
    ///
    /// Foundation itself only where its essentials are no module of their own: it takes half of a tool's start.
    static let toolchain: Set<String> = [
        "Swift", "Foundation", "FoundationEssentials", "Glibc", "Musl", "Darwin", "Dispatch", "Synchronization",
    ]

    /// Toolchain modules that most folders must not import, with the folders that may.
    ///
    /// Foundation's file and JSON readers differ between platforms, which is why untrusted files are not read with them.
    static let restricted: [String: Set<String>] = ["Dispatch": ["Commands", "Runtime"]]
}
