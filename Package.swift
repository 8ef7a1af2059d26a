// swift-tools-version: 6.2
import PackageDescription

// One target a module of docs/architecture.md; folder names stay plain through `path:`.
// Arrows only go forward: Formats → Convert, Runtime → Sampler → Commands → executables.
// `Tests/PackageTests` reads this manifest and asserts them.

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func library(_ name: String, _ folder: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/\(folder)", swiftSettings: swiftSettings)
}

func tests(_ folder: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "UD2M\(folder)",
        dependencies: dependencies + ["UD2MTestSupport"],
        path: "Tests/\(folder)",
        swiftSettings: swiftSettings)
}

func system(_ name: String, pkgConfig: String, apt: String, brew: String) -> Target {
    .systemLibrary(
        name: name, path: "Sources/System/\(name)", pkgConfig: pkgConfig,
        providers: [.apt([apt]), .brew([brew])])
}

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "ud2m",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "ud2m", targets: ["ud2m"]),
        .executable(name: "ud2m-convert", targets: ["ud2m-convert"]),
        .executable(name: "ud2m-lora", targets: ["ud2m-lora"]),
        .library(name: "UD2MFormats", targets: ["UD2MFormats"]),
        .library(name: "UD2MConvert", targets: ["UD2MConvert"]),
        .library(name: "UD2MLinearAlgebra", targets: ["UD2MLinearAlgebra"]),
        .library(name: "UD2MLoRA", targets: ["UD2MLoRA"]),
        .library(name: "UD2MRuntime", targets: ["UD2MRuntime"]),
        .library(name: "UD2MSampler", targets: ["UD2MSampler"]),
        .library(name: "UD2MImaging", targets: ["UD2MImaging"]),
        // For tests of the tools: a CUDA driver that they load as they would the real one.
        .library(name: "UD2MCUDATestDriver", type: .dynamic, targets: ["CUD2MCUDADriver"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
    ],
    targets: [
        // System libraries.
        .systemLibrary(name: "CFileSystem", path: "Sources/System/CFileSystem"),
        .systemLibrary(name: "CLAPACK", path: "Sources/System/CLAPACK"),
        system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev", brew: "zlib"),
        system("CDeflate", pkgConfig: "libdeflate", apt: "libdeflate-dev", brew: "libdeflate"),
        system("CXXHash", pkgConfig: "libxxhash", apt: "libxxhash-dev", brew: "xxhash"),
        system("CCrypto", pkgConfig: "libcrypto", apt: "libssl-dev", brew: "openssl@3"),
        system("CPNG", pkgConfig: "libpng", apt: "libpng-dev", brew: "libpng"),
        system("CTurboJPEG", pkgConfig: "libturbojpeg", apt: "libturbojpeg0-dev", brew: "jpeg-turbo"),

        // C and C++: SIMD kernels, and shims over libraries whose API Swift cannot call.
        .target(name: "CUD2MKernels", path: "Sources/Kernels"),
        // Kernels of CUDA are shipped as PTX; `Tools/cuda/generate.sh` makes it from their sources.
        .target(name: "CUD2MCUDA", path: "Sources/CUDA", exclude: ["kernels", "ptx"]),
        .target(name: "CUD2MFFT", path: "Sources/FFT"),
        .target(name: "CUD2MImageCodecs", dependencies: ["CPNG"], path: "Sources/ImageCodecs"),

        // Modules.
        library("UD2MFormats", "Formats", ["CFileSystem", "CZlib", "CDeflate", "CXXHash", "CCrypto"]),
        library("UD2MConvert", "Convert", ["UD2MFormats"]),
        library("UD2MLinearAlgebra", "LinearAlgebra", ["UD2MFormats", "CLAPACK"]),
        library("UD2MLoRA", "LoRA", ["UD2MFormats", "UD2MLinearAlgebra", "CUD2MKernels"]),
        library("UD2MRuntime", "Runtime", ["UD2MFormats", "UD2MLinearAlgebra", "CUD2MKernels", "CUD2MCUDA"]),
        library("UD2MSampler", "Sampler", ["UD2MFormats", "UD2MRuntime", "CUD2MFFT"]),
        library("UD2MImaging", "Imaging", ["CUD2MImageCodecs", "CTurboJPEG"]),
        library(
            "UD2MCommands", "Commands",
            [
                "UD2MFormats", "UD2MConvert", "UD2MLinearAlgebra", "UD2MLoRA", "UD2MRuntime", "UD2MSampler",
                "UD2MImaging", argumentParser,
            ]),
        .executableTarget(
            name: "ud2m", dependencies: ["UD2MCommands"], path: "Sources/Executables/ud2m",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "ud2m-convert", dependencies: ["UD2MCommands"], path: "Sources/Executables/ud2m-convert",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "ud2m-lora", dependencies: ["UD2MCommands"], path: "Sources/Executables/ud2m-lora",
            swiftSettings: swiftSettings),

        // Tests.
        .target(
            name: "UD2MTestSupport", dependencies: ["UD2MFormats"], path: "Tests/TestSupport",
            swiftSettings: swiftSettings),
        // Checks of the kernels, in C so that `scripts/kernels.sh` needs nothing else; `main.c` is its.
        .target(
            name: "CUD2MKernelCases", dependencies: ["CUD2MKernels"], path: "Tools/kernels", exclude: ["main.c"]),
        // A CUDA driver that interprets the kernels on the CPU, linked into tests, and its own tests: a program, as they
        // end every context of the process.
        .target(
            name: "CUD2MCUDADriver", dependencies: ["CUD2MCUDA"], path: "Tests/CUDADriver",
            exclude: ["check", "programs"], linkerSettings: [.linkedLibrary("m", .when(platforms: [.linux]))]),
        .executableTarget(
            name: "check-cuda-test-driver", dependencies: ["CUD2MCUDADriver", "CUD2MCUDA"],
            path: "Tests/CUDADriver/check"),
        // Counts heap allocations, in C because it stands in for malloc.
        .target(name: "CUD2MAllocations", path: "Tests/Allocations"),
        tests("FormatsTests", ["UD2MFormats"]),
        tests("ConvertTests", ["UD2MConvert"]),
        tests("LinearAlgebraTests", ["UD2MLinearAlgebra"]),
        tests("LoRATests", ["UD2MLoRA", "UD2MLinearAlgebra"]),
        tests(
            "RuntimeTests",
            [
                "UD2MRuntime", "UD2MLinearAlgebra", "UD2MConvert", "CUD2MKernels", "CUD2MKernelCases", "CUD2MCUDA",
                "CUD2MCUDADriver", "CUD2MAllocations",
            ]),
        tests("SamplerTests", ["UD2MSampler", "UD2MRuntime", "UD2MFormats", "CUD2MCUDADriver"]),
        tests("ImagingTests", ["UD2MImaging"]),
        tests("CommandsTests", ["UD2MCommands"]),
        tests("PackageTests", []),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c17,
    cxxLanguageStandard: .cxx17
)
