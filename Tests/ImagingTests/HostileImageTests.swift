import Testing
import UD2MImaging

/// Damaged files give an image or a typed error, never a crash, and a file cut anywhere is never taken for whole.
@Suite struct HostileImageTests {
    static let damaged: Set<ImageError.Code> = [
        .notAnImage, .unsupportedKind, .truncated, .corrupt, .tooLarge,
    ]

    @Test(arguments: [
        "rgb8.png", "grey16.png", "rgb8-interlaced.png", "palette4-alpha.png", "text.png", "grey1.png",
        "color420.jpg", "progressive.jpg", "restart.jpg", "grey.jpg", "orientation6.jpg",
    ])
    func everyTruncation(_ name: String) throws {
        let bytes = try ImageFixture.bytes(name)
        for count in bytes.indices {
            let error = #expect(throws: ImageError.self, "\(count) of \(bytes.count) bytes") {
                try ImageFile.decode(Array(bytes.prefix(count)))
            }
            // Too few bytes to tell a format are no image; from there on the end is missing, nothing else.
            let signature = name.hasSuffix(".png") ? 8 : 3
            if count < signature {
                #expect(error?.code == .notAnImage || error?.code == .unsupportedKind)
            } else {
                #expect(error?.code == .truncated, "\(count) of \(bytes.count) bytes")
            }
        }
    }

    @Test(arguments: [
        "rgb8.png", "rgb16-interlaced.png", "palette4-alpha.png", "text.png", "color420.jpg", "progressive.jpg",
        "orientation6.jpg",
    ])
    func everyByteFlipped(_ name: String) throws {
        let bytes = try ImageFixture.bytes(name)
        var accepted = 0
        for index in bytes.indices {
            for mask in [0x01, 0x80, 0xFF] as [UInt8] {
                var copy = bytes
                copy[index] ^= mask
                do throws(ImageError) {
                    let image = try ImageFile.decode(copy).image
                    #expect(image.values.allSatisfy { $0 >= 0 && $0 <= 1 })
                    accepted += 1
                } catch {
                    #expect(Self.damaged.contains(error.code))
                }
            }
        }
        // Both outcomes occur, so that the loop is known to reach the decoder and its checks.
        #expect(accepted < bytes.count * 3)
    }

    /// Chunk sums hide most damage from the PNG decoder's inside; here they are made right again.
    @Test(arguments: [
        "rgb8.png", "rgb16-interlaced.png", "palette2.png", "palette4-alpha.png", "text.png", "grey4.png",
    ])
    func everyByteFlippedUnderAValidSum(_ name: String) throws {
        let bytes = try ImageFixture.bytes(name)
        for index in 8..<bytes.count {
            for mask in [0x01, 0x10, 0x80, 0xFF] as [UInt8] {
                var copy = bytes
                copy[index] ^= mask
                PNGBytes.repairSums(&copy)
                do throws(ImageError) {
                    _ = try ImageFile.decode(copy)
                } catch {
                    #expect(Self.damaged.contains(error.code))
                }
            }
        }
    }

    @Test(arguments: [
        (60_000, 60_000, ImageError.Code.tooLarge), (16_384, 16_384, .truncated), (0, 5, .corrupt),
        (0x7FFF_FFFF, 0x7FFF_FFFF, .tooLarge), (0x8000_0000, 1, .corrupt), (1, 200_000_000, .truncated),
        (200_000_000, 1, .truncated),
    ])
    func declaredSize(_ width: Int, _ height: Int, _ code: ImageError.Code) throws {
        var bytes = try ImageFixture.bytes("rgb8.png")
        bytes.replaceSubrange(16..<24, with: PNGBytes.big32(width) + PNGBytes.big32(height))
        PNGBytes.repairSums(&bytes)
        let error = #expect(throws: ImageError.self) { try PNGCodec.decode(bytes) }
        #expect(error?.code == code)
    }

    @Test func limitsAreTheCallers() throws {
        var limits = ImageLimits()
        limits.maximumPixels = 98
        for name in ["grey8.png", "color444.jpg"] {
            let error = #expect(throws: ImageError.self) { try ImageFile.read(ImageFixture.path(name), limits: limits) }
            #expect(error?.code == .tooLarge)
            #expect(error?.path == ImageFixture.path(name))
        }
        limits.maximumPixels = 99
        #expect(try ImageFile.read(ImageFixture.path("grey8.png"), limits: limits).image.height == 9)
        limits.maximumFileBytes = 10
        let error = #expect(throws: ImageError.self) {
            try ImageFile.read(ImageFixture.path("grey8.png"), limits: limits)
        }
        #expect(error?.code == .tooLarge)
    }
}
