import Testing
import UD2MImaging

@Suite struct ImageBufferTests {
    @Test(arguments: [
        (0, 1, 1, 8, 0), (1, -1, 1, 8, 1), (2, 2, 2, 8, 8), (2, 2, 1, 12, 4), (2, 2, 1, 8, 3), (2, 2, 1, 8, 5),
        (2, 2, 4, 8, 16),
    ])
    func sizesAreChecked(_ width: Int, _ height: Int, _ channels: Int, _ bitDepth: Int, _ count: Int) {
        let values = [Float](repeating: 0, count: count)
        let error = #expect(throws: ImageError.self) {
            try ImageBuffer(width: width, height: height, channels: channels, bitDepth: bitDepth, values: values)
        }
        #expect(error?.code == .invalidArgument)
    }

    @Test func productsDoNotOverflow() {
        let error = #expect(throws: ImageError.self) {
            try ImageBuffer(width: .max, height: .max, channels: 3, filledWith: 0)
        }
        #expect(error?.code == .tooLarge)
    }

    @Test(arguments: [-0.001, 1.001, Float.nan, .infinity]) func valuesAreChecked(_ value: Float) {
        let error = #expect(throws: ImageError.self) {
            try ImageBuffer(width: 1, height: 1, channels: 1, values: [value])
        }
        #expect(error?.code == .invalidArgument)
    }

    @Test func clamping() throws {
        let image = try ImageBuffer(width: 4, height: 1, channels: 1, clamping: [-1, 0.5, 7, -.infinity])
        #expect(image.values == [0, 0.5, 1, 0])
        #expect(throws: ImageError.self) { try ImageBuffer(width: 1, height: 1, channels: 1, clamping: [.nan]) }
    }

    @Test func planesAreChannelMajor() throws {
        let image = try ImageBuffer(width: 2, height: 1, channels: 3, levels8: [0, 51, 102, 153, 204, 255])
        #expect(image.values == [0, 0.6, 0.2, 0.8, 0.4, 1])
        #expect(image.levels8 == [0, 51, 102, 153, 204, 255])
        #expect(image[2, 0, 1] == 1 && image[3, 0, 0] == nil && image[0, 1, 0] == nil && image[0, 0, -1] == nil)
    }

    @Test func levelsRoundToTheNearest() throws {
        let image = try ImageBuffer(width: 3, height: 1, channels: 1, values: [0.49 / 255, 0.51 / 255, 254.5 / 255])
        #expect(image.levels8 == [0, 1, 255])
        #expect(throws: ImageError.self) { try ImageBuffer(width: 2, height: 1, channels: 1, levels8: [1]) }
        #expect(throws: ImageError.self) { try ImageBuffer(width: 2, height: 1, channels: 1, levels16: [1]) }
    }

    @Test func greyAndColor() throws {
        let grey = try ImageBuffer(width: 2, height: 1, channels: 1, values: [0.25, 1])
        #expect(grey.color.values == [0.25, 1, 0.25, 1, 0.25, 1])
        #expect(grey.grey == grey && grey.color.color == grey.color)
        let back = grey.color.grey.values
        #expect(zip(back, grey.values).allSatisfy { abs($0 - $1) < 1e-6 && $0 <= 1 })
        let primary = try ImageBuffer(width: 3, height: 1, channels: 3, levels8: [255, 0, 0, 0, 255, 0, 0, 0, 255])
        #expect(primary.grey.values == [0.299, 0.587, 0.114])
    }

    @Test func bitDepthCanBeChanged() throws {
        let image = try ImageBuffer(width: 1, height: 1, channels: 1, values: [0.3]).withBitDepth(16)
        #expect(image.bitDepth == 16 && image.levels16 == [19_661])
        #expect(throws: ImageError.self) { try image.withBitDepth(1) }
    }
}
