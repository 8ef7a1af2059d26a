// swift-tools-version: 6.2
import PackageDescription

// Measurements inside one process, apart from the toolkit so that building it never builds them.

let package = Package(
    name: "ud2m-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "ud2m", path: "..")],
    targets: [
        .executableTarget(
            name: "open-store", dependencies: [.product(name: "UD2MFormats", package: "ud2m")], path: "OpenStore")
    ],
    swiftLanguageModes: [.v6]
)
