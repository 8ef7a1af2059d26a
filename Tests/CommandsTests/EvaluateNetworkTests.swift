import Foundation
import Testing
import UD2MCommands
import UD2MFormats
import UD2MImaging
import UD2MRuntime
import UD2MTestSupport

/// `ud2m evaluate` with metrics that need a network, on slim ones.
@Suite("ud2m evaluate with networks")
struct EvaluateNetworkTests {
    let folder: TemporaryDirectory
    private let count = 6

    init() throws {
        folder = try TemporaryDirectory()
        let photo = try ImageFile.read(ToolTest.photo).image
        for (set, offset) in [("a", 0), ("b", 40)] {
            try FileManager.default.createDirectory(atPath: folder.path(set), withIntermediateDirectories: false)
            for index in 0..<count {
                let crop = try photo.cropped(x: 20 * index, y: 30 + offset, width: 96, height: 96)
                try ImageFile.write(index == 0 ? crop.grey : crop, to: folder.path("\(set)/\(index).png"))
            }
        }
    }

    private func evaluate(_ arguments: [String], exitCode: Int32 = 0) throws -> [String: JSONDocument] {
        let result = try BuiltTool("ud2m").run(["evaluate"] + arguments + ["--json"])
        #expect(result.exitCode == exitCode, "\(result.errorText)")
        return try #require(try ToolTest.checked(result.output, "evaluate").object)
    }

    @Test("LPIPS of files is the metric's own number, in each convention", arguments: LPIPSDistance.Convention.allCases)
    func perceptual(convention: LPIPSDistance.Convention) throws {
        let store = folder.path("lpips.ud2w")
        try MetricStores.writeLPIPS(to: store)
        let report = try evaluate(
            [folder.path("a"), folder.path("b"), "--lpips", store, "--lpips-convention", convention.rawValue])
        let metric = try LPIPSMetric(store: WeightStore(path: store), convention: convention)
        let images = try #require(report["images"]?.array)
        #expect(images.count == count)
        for (index, image) in images.enumerated() {
            let tensors = try ["a", "b"].map { set in
                let image = try ImageFile.read(folder.path("\(set)/\(index).png")).image.color
                return try Tensor(shape: [1, 3, image.height, image.width], values: image.values)
            }
            let expected = try metric.distance(tensors[0], tensors[1], range: .unit)[0]
            #expect(abs(try #require(image.object?["lpips"]?.number) - expected) < 1e-9)
            #expect(image.object?["psnr"]?.number != nil)
        }
        #expect(report["settings"]?.object?["lpips"]?.object?["trunk"]?.string == "vgg16")
    }

    @Test("FID and KID are those of the features; statistics can be saved and used again")
    func distribution() throws {
        let store = folder.path("inception.ud2w")
        try MetricStores.writeInception(to: store)
        let statistics = folder.path("b.npz")
        // Sets of different sizes: only FID and KID can compare them.
        try FileManager.default.removeItem(atPath: folder.path("a/5.png"))
        let base = ["--inception", store, "--fid-pipeline", "clean-fid"]
        let report = try evaluate(
            [folder.path("a"), folder.path("b"), "--metrics", "fid,kid", "--save-statistics", statistics] + base)

        let network = try Network(store: WeightStore(path: store), threads: 1)
        func features(_ set: String, _ count: Int) throws -> Tensor {
            let vectors = try (0..<count).map { index in
                let image = try ImageFile.read(folder.path("\(set)/\(index).png")).image
                return try #require(try network.run(["x": InceptionPipeline.cleanFID.input(of: image)])["out"])
            }
            return try Tensor(shape: [count, vectors[0].values.count], values: vectors.flatMap(\.values))
        }
        let (a, b) = try (features("a", 5), features("b", 6))
        func gathered(_ features: Tensor) throws -> FeatureStatistics {
            var accumulator = try FeatureAccumulator(length: features.shape[1])
            try accumulator.add(features)
            return try accumulator.statistics()
        }
        let expected = try FrechetDistance.distance(gathered(a), gathered(b))
        let value = try #require(report["fid"]?.object?["value"]?.number)
        #expect(abs(value - expected) < 1e-6 * max(1, expected))
        #expect(report["fid"]?.object?["restoredCount"]?.number == 5)
        let kernel = try KernelDistance(subsetSize: 5).distance(a, b)
        let kid = try #require(report["kid"]?.object)
        #expect(abs(try #require(kid["mean"]?.number) - kernel.mean) < 1e-6 * max(1, abs(kernel.mean)))
        #expect(report["notes"]?.array?.count == 1)
        let text = ["evaluate", folder.path("a"), folder.path("b"), "--metrics", "fid"] + base
        #expect(try BuiltTool("ud2m").run(text).errorText.contains("note: "))
        #expect(try BuiltTool("ud2m").run(text + ["--quiet"]).errorText.isEmpty)
        // Five of the six references are drawn again and again; all of both sets are drawn once.
        #expect(kid["subsets"]?.number == 100)
        let whole = try evaluate([folder.path("b"), folder.path("b"), "--metrics", "kid"] + base)
        #expect(whole["kid"]?.object?["subsets"]?.number == 1)

        #expect(try StatisticsFile.read(statistics).mean.count == 128)
        let again = try evaluate([folder.path("a"), "--reference-statistics", statistics] + base)
        #expect(abs(try #require(again["fid"]?.object?["value"]?.number) - value) < 1e-9)
        #expect(again["fid"]?.object?["referenceCount"] == nil)
    }

    @Test("patches are a grid and the grid moved by half a patch; unreadable images are left out")
    func patches() throws {
        let store = folder.path("inception.ud2w")
        try MetricStores.writeInception(to: store)
        try Data("no picture".utf8).write(to: URL(filePath: folder.path("a/3.png")))
        let report = try evaluate(
            [folder.path("a"), folder.path("b"), "--metrics", "fid", "--inception", store, "--fid-patches", "48"],
            exitCode: 3)
        // 2×2 squares and one in the middle.
        #expect(report["fid"]?.object?["restoredCount"]?.number == 25)
        #expect(report["fid"]?.object?["referenceCount"]?.number == 30)
        let failures = try #require(report["failures"]?.array)
        #expect(failures.count == 1)
        #expect(failures.first?.object?["path"]?.string == folder.path("a/3.png"))
    }

    @Test("other networks and files in the wrong place are refused")
    func refusals() throws {
        let (inception, lpips) = (folder.path("inception.ud2w"), folder.path("lpips.ud2w"))
        try MetricStores.writeInception(to: inception)
        try MetricStores.writeLPIPS(to: lpips)
        let sets = [folder.path("a"), folder.path("b")]
        func code(_ arguments: [String], _ exitCode: Int32) throws -> String? {
            try ToolTest.failure("ud2m", ["evaluate"] + arguments, exitCode: exitCode).object?["code"]?.string
        }
        #expect(try code(sets + ["--inception", lpips], 65) == "network-configuration")
        #expect(try code(sets + ["--lpips", inception], 65) == "network-configuration")
        let files = [folder.path("a/1.png"), folder.path("b/1.png"), "--inception", inception]
        #expect(try code(files, 64) == "evaluate-kinds")
        let one = [folder.path("a"), "--inception", inception, "--reference-statistics"]
        #expect(try code(one + [lpips], 65) == "statistics-file")
        #expect(try code(one + [folder.path("none.npz")], 66) == "file-missing")
        let big = sets + ["--metrics", "kid", "--inception", inception, "--kid-subset-size", "7"]
        #expect(try code(big, 64) == "feature-count")
    }
}
