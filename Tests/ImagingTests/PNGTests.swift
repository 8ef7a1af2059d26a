import Testing
import UD2MImaging

/// PNG is exact: every fixture reads to Pillow's levels, and what is written reads back bit for bit.
@Suite struct PNGTests {
    @Test(arguments: try ImageFixture.png()) func readsPillowsLevels(_ fixture: ImageFixture) throws {
        let decoded = try ImageFile.read(fixture.path)
        let image = decoded.image
        #expect(decoded.format == .png)
        #expect(image.width == fixture.width && image.height == fixture.height)
        #expect(image.channels == fixture.channels && image.bitDepth == fixture.bitDepth)
        #expect(decoded.hadAlpha == fixture.hadAlpha)
        #expect(decoded.text.map { [$0.keyword, $0.text] } == fixture.text)
        #expect(decoded.warnings == [])
        let levels = image.bitDepth == 16 ? image.levels16.map(Int.init) : image.levels8.map(Int.init)
        #expect(levels == (try fixture.levels()))
    }

    @Test(arguments: [1, 3], [8, 16]) func roundTrip(_ channels: Int, _ bitDepth: Int) throws {
        for (width, height) in [(1, 1), (1, 40), (37, 1), (33, 21)] {
            let image = try ImageBuffer.synthetic(width: width, height: height, channels: channels, bitDepth: bitDepth)
            #expect(try PNGCodec.decode(try PNGCodec.encode(image)).image == image)
        }
    }

    @Test func everyLevelSurvives() throws {
        let wide = try ImageBuffer(width: 256, height: 256, channels: 1, levels16: Array(0...65_535))
        #expect(wide.levels16 == Array(0...65_535))
        #expect(try PNGCodec.decode(try PNGCodec.encode(wide)).image.levels16 == Array(0...65_535))
        let narrow = try ImageBuffer(width: 16, height: 16, channels: 1, levels8: Array(0...255))
        #expect(try PNGCodec.decode(try PNGCodec.encode(narrow)).image.levels8 == Array(0...255))
    }

    @Test func textRoundTrip() throws {
        let image = try ImageBuffer.synthetic(width: 2, height: 2, channels: 1)
        let text = [
            try ImageText(keyword: "parameters", text: "seed 7\nsteps 3"),
            try ImageText(keyword: "Title", text: "Überprüfung 雪"),
            try ImageText(keyword: "Empty", text: ""),
        ]
        let decoded = try PNGCodec.decode(try PNGCodec.encode(image, text: text))
        #expect(decoded.text == text)
        #expect(decoded.warnings == [])
    }

    @Test(arguments: ["", " a", "a ", "a  b", "naïve", String(repeating: "k", count: 80), "a\u{0}b", "a\nb"])
    func keywordIsRefused(_ keyword: String) {
        let error = #expect(throws: ImageError.self) { try ImageText(keyword: keyword, text: "text") }
        #expect(error?.code == .invalidArgument)
    }

    @Test func textWithZeroIsRefused() {
        let error = #expect(throws: ImageError.self) { try ImageText(keyword: "a", text: "b\u{0}c") }
        #expect(error?.code == .invalidArgument)
    }

    @Test func sideBeyondTheWritersLimit() throws {
        let image = try ImageBuffer(width: 1_000_001, height: 1, channels: 1, filledWith: 0)
        let error = #expect(throws: ImageError.self) { try PNGCodec.encode(image) }
        #expect(error?.code == .tooLarge)
    }
}
