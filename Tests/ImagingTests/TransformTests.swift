import Foundation
import Testing
import UD2MImaging

@Suite struct ResizeTests {
    struct Case: Decodable, Sendable {
        let filter: String
        let width: Int
        let height: Int
        let values: [Float]
    }
    struct File: Decodable {
        let width: Int
        let height: Int
        let values: [Float]
        let cases: [Case]

        static func load() throws -> File {
            try JSONDecoder().decode(File.self, from: Data(try ImageFixture.bytes("resize.json")))
        }
    }

    /// Pillow sums in double precision too; what is left is a rounding to float between its two passes.
    @Test func matchesPillow() throws {
        let file = try File.load()
        let image = try ImageBuffer(width: file.width, height: file.height, channels: 1, values: file.values)
        #expect(file.cases.count == 15)
        for expected in file.cases {
            let filter = try #require(ResizeFilter(rawValue: expected.filter))
            let resized = try image.resized(width: expected.width, height: expected.height, filter: filter)
            #expect(resized.width == expected.width && resized.height == expected.height)
            let worst = zip(resized.values, expected.values).map { abs($0 - $1) }.max() ?? 1
            #expect(worst < 1e-6, "\(expected.filter) \(expected.width) × \(expected.height)")
        }
    }

    @Test(arguments: ResizeFilter.allCases, [true, false]) func aFlatImageStaysFlat(
        _ filter: ResizeFilter, _ antialias: Bool
    )
        throws
    {
        let image = try ImageBuffer(width: 7, height: 5, channels: 3, filledWith: 0.625)
        for (width, height) in [(1, 1), (3, 9), (50, 2), (7, 5)] {
            let resized = try image.resized(width: width, height: height, filter: filter, antialias: antialias)
            #expect(resized.values.count == width * height * 3)
            #expect(resized.values.allSatisfy { abs($0 - 0.625) < 1e-6 })
        }
    }

    @Test(arguments: ResizeFilter.allCases) func theSameSizeIsTheSameImage(_ filter: ResizeFilter) throws {
        let image = try ImageBuffer.synthetic(width: 9, height: 8, channels: 3, bitDepth: 16)
        #expect(try image.resized(width: 9, height: 8, filter: filter) == image)
    }

    @Test func antialiasingAverages() throws {
        let stripes = try ImageBuffer(width: 8, height: 1, channels: 1, values: [0, 1, 0, 1, 0, 1, 0, 1])
        let sharp = try stripes.resized(width: 2, height: 1, filter: .bilinear, antialias: false)
        let smooth = try stripes.resized(width: 2, height: 1, filter: .bilinear, antialias: true)
        // Centres at 2 and 6, between a 1 and a 0 either way; the wide triangle is symmetric about its centre but cut
        // at the border.
        #expect(sharp.values == [0.5, 0.5])
        #expect(smooth.values.allSatisfy { abs($0 - 0.5) < 0.05 })
        let aliased = try stripes.resized(width: 4, height: 1, filter: .nearest)
        #expect(aliased.values == [1, 1, 1, 1])
    }

    @Test func overshootIsClamped() throws {
        let step = try ImageBuffer(width: 4, height: 1, channels: 1, values: [0, 0, 1, 1])
        let large = try step.resized(width: 40, height: 1)
        #expect(large.values.allSatisfy { $0 >= 0 && $0 <= 1 })
        #expect(large.values.contains(0) && large.values.contains(1))
    }

    @Test(arguments: [(0, 1), (1, 0), (-3, 4)]) func sizeBelowOne(_ width: Int, _ height: Int) throws {
        let image = try ImageBuffer(width: 2, height: 2, channels: 1, filledWith: 0)
        let error = #expect(throws: ImageError.self) { try image.resized(width: width, height: height) }
        #expect(error?.code == .invalidArgument)
    }

    @Test(arguments: [(Int.max, 1), (Int.max, Int.max), (1 << 20, 1 << 20)]) func sizeAboveTheLimit(
        _ width: Int, _ height: Int
    ) throws {
        let image = try ImageBuffer(width: 2, height: 2, channels: 1, filledWith: 0)
        let error = #expect(throws: ImageError.self) { try image.resized(width: width, height: height) }
        #expect(error?.code == .tooLarge)
    }
}

@Suite struct CropTests {
    let image: ImageBuffer

    init() throws {
        image = try ImageBuffer(width: 4, height: 3, channels: 1, levels8: Array(0..<12))
    }

    @Test func crop() throws {
        #expect(try image.cropped(x: 1, y: 1, width: 2, height: 2).levels8 == [5, 6, 9, 10])
        #expect(try image.centerCropped(width: 2, height: 1).levels8 == [5, 6])
        #expect(try image.centerCropped(width: 1, height: 2).levels8 == [1, 5])
        #expect(try image.centerCropped(width: 4, height: 3) == image)
    }

    @Test(arguments: [(-1, 0, 1, 1), (0, 0, 5, 1), (3, 0, 2, 1), (0, 0, 0, 1), (.max, 0, 1, 1), (1, 0, .max, 1)])
    func cropOutside(_ x: Int, _ y: Int, _ width: Int, _ height: Int) {
        let error = #expect(throws: ImageError.self) { try image.cropped(x: x, y: y, width: width, height: height) }
        #expect(error?.code == .invalidArgument)
    }

    @Test(arguments: [(5, 1), (0, 1), (Int.min, 1)]) func centerCropOutside(_ width: Int, _ height: Int) {
        let error = #expect(throws: ImageError.self) { try image.centerCropped(width: width, height: height) }
        #expect(error?.code == .invalidArgument)
    }

    @Test func pad() throws {
        let row = try image.cropped(x: 0, y: 0, width: 3, height: 1)
        #expect(try row.padded(left: 2, right: 2, with: .edge).levels8 == [0, 0, 0, 1, 2, 2, 2])
        #expect(try row.padded(left: 5, right: 3, with: .reflect).levels8 == [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1])
        #expect(try row.padded(left: 1, bottom: 1, with: .constant(1)).levels8 == [255, 0, 1, 2, 255, 255, 255, 255])
        let dot = try image.cropped(x: 3, y: 2, width: 1, height: 1)
        #expect(try dot.padded(left: 1, top: 1, with: .reflect).levels8 == [11, 11, 11, 11])
    }

    @Test func padThenCropIsTheImage() throws {
        let color = try ImageBuffer.synthetic(width: 5, height: 4, channels: 3)
        for padding in [ImagePadding.edge, .reflect, .constant(0.5)] {
            let padded = try color.padded(left: 2, top: 3, right: 4, bottom: 5, with: padding)
            #expect(padded.width == 11 && padded.height == 12)
            #expect(try padded.cropped(x: 2, y: 3, width: 5, height: 4) == color)
        }
    }

    @Test func padIsChecked() {
        #expect(throws: ImageError.self) { try image.padded(left: -1, with: .edge) }
        #expect(throws: ImageError.self) { try image.padded(left: 1, with: .constant(.nan)) }
        let error = #expect(throws: ImageError.self) { try image.padded(left: .max, right: .max, with: .edge) }
        #expect(error?.code == .tooLarge)
    }

    /// The stored image is the upright one put through each orientation's inverse, by hand for one non-square image.
    @Test(
        arguments: [
            (1, [0, 1, 2, 3, 4, 5], 3), (2, [2, 1, 0, 5, 4, 3], 3), (3, [5, 4, 3, 2, 1, 0], 3),
            (4, [3, 4, 5, 0, 1, 2], 3),
            (5, [0, 3, 1, 4, 2, 5], 2), (6, [3, 0, 4, 1, 5, 2], 2), (7, [5, 2, 4, 1, 3, 0], 2),
            (8, [2, 5, 1, 4, 0, 3], 2),
            (9, [0, 1, 2, 3, 4, 5], 3),
        ] as [(Int, [UInt8], Int)])
    func orientation(_ orientation: Int, _ levels: [UInt8], _ width: Int) throws {
        let stored = try ImageBuffer(width: 3, height: 2, channels: 1, levels8: [0, 1, 2, 3, 4, 5])
        let shown = stored.oriented(orientation)
        #expect(shown.levels8 == levels)
        #expect(shown.width == width)
    }
}

@Suite struct GridTests {
    @Test func layout() throws {
        let white = try ImageBuffer(width: 4, height: 2, channels: 1, filledWith: 1)
        let small = try ImageBuffer(width: 1, height: 1, channels: 3, levels8: [255, 0, 51])
        let grid = try ImageGrid(columns: 2, margin: 1, background: 0).compose([white, small, white])
        #expect(grid.width == 11 && grid.height == 7 && grid.channels == 3)
        // The small image is doubled and sits in the middle of its cell.
        let blue = [
            "...........",
            ".####..++..",
            ".####..++..",
            "...........",
            ".####......",
            ".####......",
            "...........",
        ]
        for (row, line) in blue.enumerated() {
            for (column, mark) in line.enumerated() {
                let expected: Float = mark == "#" ? 1 : mark == "+" ? 0.2 : 0
                #expect(grid[2, row, column] == expected, "row \(row), column \(column)")
            }
        }
        #expect(grid[0, 1, 7] == 1 && grid[1, 1, 7] == 0)
    }

    @Test func greyStaysGreyAndDeepStaysDeep() throws {
        let grey = try ImageBuffer.synthetic(width: 3, height: 3, channels: 1)
        let deep = try ImageBuffer.synthetic(width: 3, height: 3, channels: 1, bitDepth: 16)
        let grid = try ImageGrid(columns: 9, margin: 0).compose([grey, deep])
        #expect(grid.width == 6 && grid.height == 3 && grid.channels == 1 && grid.bitDepth == 16)
        #expect(try grid.cropped(x: 3, y: 0, width: 3, height: 3) == deep)
    }

    @Test func argumentsAreChecked() throws {
        let dot = try ImageBuffer(width: 1, height: 1, channels: 1, filledWith: 0)
        #expect(throws: ImageError.self) { try ImageGrid(columns: 1).compose([]) }
        #expect(throws: ImageError.self) { try ImageGrid(columns: 0).compose([dot]) }
        #expect(throws: ImageError.self) { try ImageGrid(columns: 1, margin: -1).compose([dot]) }
        #expect(throws: ImageError.self) { try ImageGrid(columns: 1, background: .nan).compose([dot]) }
        var limits = ImageLimits()
        limits.maximumPixels = 80
        let error = #expect(throws: ImageError.self) { try ImageGrid(columns: 1).compose([dot], limits: limits) }
        #expect(error?.code == .tooLarge)
    }
}
