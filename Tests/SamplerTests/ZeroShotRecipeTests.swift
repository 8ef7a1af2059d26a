import Testing
import UD2MFormats
import UD2MSampler

/// How the settings of a plain prior follow noise and task.
@Suite struct ZeroShotRecipeTests {
    private static let noiseLevels = [0.0001, 0.002, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 2]

    private static func recipes() throws -> [(String, ZeroShotRecipe)] {
        [
            ("deblurring", .deblurring), ("inpainting", .inpainting), ("super-resolution", .superResolution),
            ("compressed sensing", .compressedSensing), ("denoising", .denoising),
            ("jpeg 10", .jpeg(try JPEGTables(quality: 10))), ("jpeg 90", .jpeg(try JPEGTables(quality: 90))),
        ]
    }

    private func ends(_ recipe: ZeroShotRecipe, _ noiseLevel: Double) throws -> (first: Double, last: Double) {
        let configuration = try recipe.configuration(noiseLevel: noiseLevel)
        let count = configuration.evaluationCount
        return (configuration.innerLevels.value(0, of: count), configuration.innerLevels.value(count - 1, of: count))
    }

    @Test func levelsFollowTheNoise() throws {
        for (name, recipe) in try Self.recipes() {
            let levels = try Self.noiseLevels.map { try ends(recipe, $0) }
            for (earlier, later) in zip(levels, levels.dropFirst()) {
                #expect(later.last >= earlier.last && later.first >= earlier.first, "\(name)")
            }
            for level in levels {
                #expect(level.last >= ZeroShotRecipe.smallestLevel && level.last <= level.first, "\(name)")
                #expect(level.first <= ZeroShotRecipe.largestLevel, "\(name)")
            }
        }
        // A linear operator's run ends as low as a prior knows where there is next to no noise.
        #expect(try ends(.denoising, 0.002).last == ZeroShotRecipe.smallestLevel)
    }

    @Test func atTheREADMEsNoiseTheLevelsAreThoseOfItsTable() throws {
        for recipe in [ZeroShotRecipe.deblurring, .inpainting, .superResolution] {
            let (first, last) = try ends(recipe, 0.05)
            #expect(first == 1 && abs(last - 0.06) < 1e-12)
            #expect(try recipe.configuration(noiseLevel: 0.05).dataWeight == .constant(recipe.dataWeight))
        }
    }

    @Test func roundingCountsAsNoise() throws {
        var variances: [Double] = []
        for quality in [5, 10, 50, 95] {
            let tables = try JPEGTables(quality: quality)
            let recipe = ZeroShotRecipe.jpeg(tables)
            for noiseLevel in [0.0002, 0.002, 0.1] {
                let configuration = try recipe.configuration(noiseLevel: noiseLevel)
                let variance = configuration.dataWeight.value(0, of: 9) * noiseLevel * noiseLevel
                let surviving = tables.survivingVariance(noiseLevel: noiseLevel)
                let total = tables.typicalError * tables.typicalError + 9 * surviving
                #expect(abs(variance / (recipe.dataWeight * total) - 1) < 1e-9)
                if noiseLevel == 0.002 { variances.append(variance) }
            }
        }
        #expect(variances == variances.sorted(by: >))
    }

    @Test func everyOperatorHasItsRecipe() throws {
        let blur = try Deblurring(kernel: .uniform(size: 3), height: 8, width: 8)
        let codec = try JPEGCompression(quality: 30, height: 8, width: 8)
        #expect(ZeroShotRecipe.recommended(for: try Denoising(height: 8, width: 8)) == .denoising)
        #expect(ZeroShotRecipe.recommended(for: codec) == .jpeg(codec.tables))
        #expect(ZeroShotRecipe.recommended(for: blur) == .deblurring)
        let sensing = try CompressedSensing(height: 8, width: 8, rows: 3, seed: 1)
        #expect(ZeroShotRecipe.recommended(for: sensing) == .compressedSensing)
    }
}
