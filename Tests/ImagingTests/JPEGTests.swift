import Testing
import UD2MImaging

@Suite struct JPEGTests {
    /// Two decoders may round the inverse DCT and the colour conversion differently, by a level each.
    static let tolerance = 2

    @Test(arguments: try ImageFixture.jpeg()) func readsPillowsLevels(_ fixture: ImageFixture) throws {
        let decoded = try ImageFile.read(fixture.path)
        let image = decoded.image
        #expect(decoded.format == .jpeg)
        #expect(decoded.orientation == fixture.orientation)
        #expect(image.width == fixture.width && image.height == fixture.height)
        #expect(image.channels == fixture.channels && image.bitDepth == 8 && !decoded.hadAlpha)
        let expected = try fixture.levels()
        #expect(image.levels8.count == expected.count)
        let worst = zip(image.levels8, expected).map { abs(Int($0) - $1) }.max() ?? 0
        #expect(worst <= Self.tolerance)
    }

    @Test(arguments: [1, 3], JPEGCodec.Subsampling.allCases)
    func roundTrip(_ channels: Int, _ subsampling: JPEGCodec.Subsampling) throws {
        let image = try ImageBuffer.smooth(width: 45, height: 31, channels: channels)
        let bytes = try JPEGCodec.encode(image, quality: 98, subsampling: subsampling)
        let again = try JPEGCodec.decode(bytes).image
        #expect(again.width == 45 && again.height == 31 && again.channels == channels)
        let worst = zip(image.levels8, again.levels8).map { abs(Int($0) - Int($1)) }.max() ?? 0
        // A smooth ramp at quality 98 loses a few levels at the edge of subsampled colour, no more.
        #expect(worst <= 6)
    }

    @Test func qualityTradesSizeForError() throws {
        let image = try ImageBuffer.synthetic(width: 64, height: 64, channels: 3)
        let small = try JPEGCodec.encode(image, quality: 10)
        let large = try JPEGCodec.encode(image, quality: 95)
        let dense = try JPEGCodec.encode(image, quality: 95, subsampling: .quarter)
        #expect(small.count < dense.count && dense.count < large.count)
    }

    @Test(arguments: [0, 101, -1, Int.max]) func qualityOutsideItsRange(_ quality: Int) throws {
        let image = try ImageBuffer.smooth(width: 2, height: 2, channels: 1)
        let error = #expect(throws: ImageError.self) { try JPEGCodec.encode(image, quality: quality) }
        #expect(error?.code == .invalidArgument)
    }

    @Test func sideBeyondTheFormat() throws {
        let image = try ImageBuffer(width: 65_536, height: 1, channels: 1, filledWith: 0)
        let error = #expect(throws: ImageError.self) { try JPEGCodec.encode(image) }
        #expect(error?.code == .tooLarge)
    }

    @Test func cmykIsRefused() throws {
        let error = #expect(throws: ImageError.self) { try ImageFile.read(ImageFixture.path("cmyk.jpg")) }
        #expect(error?.code == .unsupportedKind)
        #expect(error?.path == ImageFixture.path("cmyk.jpg"))
    }

    /// Frame markers of coding processes that are not read, and 12 bits a sample, written over a good file.
    @Test(arguments: [0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCF] as [UInt8])
    func processIsRefused(_ marker: UInt8) throws {
        var bytes = try ImageFixture.bytes("grey.jpg")
        bytes[try Self.frame(bytes) + 1] = marker
        let error = #expect(throws: ImageError.self) { try JPEGCodec.decode(bytes) }
        #expect(error?.code == .unsupportedKind)
    }

    @Test func twelveBitsAreRefused() throws {
        var bytes = try ImageFixture.bytes("grey.jpg")
        bytes[try Self.frame(bytes) + 4] = 12
        let error = #expect(throws: ImageError.self) { try JPEGCodec.decode(bytes) }
        #expect(error?.code == .unsupportedKind)
    }

    @Test func hugeSizeInASmallFile() throws {
        var bytes = try ImageFixture.bytes("grey.jpg")
        let frame = try Self.frame(bytes)
        bytes.replaceSubrange((frame + 5)..<(frame + 9), with: [0x3F, 0xFF, 0x3F, 0xFF])
        let short = #expect(throws: ImageError.self) { try JPEGCodec.decode(bytes) }
        #expect(short?.code == .truncated)
        bytes.replaceSubrange((frame + 5)..<(frame + 9), with: [0xFF, 0xFF, 0xFF, 0xFF])
        let large = #expect(throws: ImageError.self) { try JPEGCodec.decode(bytes) }
        #expect(large?.code == .tooLarge)
    }

    /// Where the baseline frame header's marker starts.
    static func frame(_ bytes: [UInt8]) throws -> Int {
        try #require(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
    }
}
