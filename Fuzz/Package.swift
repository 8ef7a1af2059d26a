// swift-tools-version: 6.2
import PackageDescription

// libFuzzer targets for the readers, apart from the toolkit so that building it never needs a fuzzing toolchain.
// `scripts/fuzz.sh` passes the sanitizer flags, which must reach the toolkit's modules too.

let package = Package(
    name: "ud2m-fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "ud2m", path: "..")],
    targets: [
        .target(
            name: "FuzzSupport",
            dependencies: [
                .product(name: "UD2MFormats", package: "ud2m"),
                .product(name: "UD2MConvert", package: "ud2m"),
            ],
            path: "Support")
    ]
        + ["json", "safetensors", "store", "npy", "zip", "pickle", "legacy", "checkpoint"].map { name in
            .executableTarget(
                name: "fuzz-\(name)",
                dependencies: ["FuzzSupport", .product(name: "UD2MFormats", package: "ud2m")],
                path: "Targets/\(name)",
                // libFuzzer brings `main`.
                swiftSettings: [.unsafeFlags(["-parse-as-library"])])
        },
    swiftLanguageModes: [.v6]
)
