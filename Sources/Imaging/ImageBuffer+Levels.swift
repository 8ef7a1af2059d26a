extension ImageBuffer {
    /// The samples as interleaved 8-bit levels, rows from the top, each value × 255 rounded to the nearest.
    public var levels8: [UInt8] { interleaved { UInt8(($0 * 255).rounded()) } }

    /// The samples as interleaved 16-bit levels, rows from the top, each value × 65535 rounded to the nearest.
    public var levels16: [UInt16] { interleaved { UInt16(($0 * 65535).rounded()) } }

    /// Creates an image from interleaved 8-bit levels, rows from the top.
    ///
    /// - Throws: `ImageError` with `invalidArgument` when the sizes do not fit.
    public init(width: Int, height: Int, channels: Int, levels8 levels: [UInt8]) throws(ImageError) {
        let scale = (0...255).map { Float($0) / 255 }
        let values = try levels.withUnsafeBufferPointer { pointer throws(ImageError) in
            try Self.planes(width, height, channels, of: pointer) { scale[Int($0)] }
        }
        self.init(unchecked: width, height, channels, 8, values)
    }

    /// Creates an image from interleaved 16-bit levels, rows from the top.
    ///
    /// - Throws: `ImageError` with `invalidArgument` when the sizes do not fit.
    public init(width: Int, height: Int, channels: Int, levels16 levels: [UInt16]) throws(ImageError) {
        let values = try levels.withUnsafeBufferPointer { pointer throws(ImageError) in
            try Self.planes(width, height, channels, of: pointer) { Float($0) / 65535 }
        }
        self.init(unchecked: width, height, channels, 16, values)
    }

    /// Planes of values from interleaved levels.
    static func planes<Level>(
        _ width: Int, _ height: Int, _ channels: Int, of levels: UnsafeBufferPointer<Level>,
        _ value: (Level) -> Float
    ) throws(ImageError) -> [Float] {
        let count = try sampleCount(width: width, height: height, channels: channels)
        guard levels.count == count else {
            throw ImageError(
                .invalidArgument,
                "\(height) × \(width) × \(channels) levels are \(count), but \(levels.count) were given.")
        }
        let plane = width * height
        return [Float](unsafeUninitializedCapacity: count) { values, initialized in
            for channel in 0..<channels {
                for pixel in 0..<plane {
                    values[channel * plane + pixel] = value(levels[pixel * channels + channel])
                }
            }
            initialized = count
        }
    }

    private func interleaved<Level>(_ level: (Float) -> Level) -> [Level] {
        let plane = width * height
        return values.withUnsafeBufferPointer { values in
            [Level](unsafeUninitializedCapacity: values.count) { levels, initialized in
                for channel in 0..<channels {
                    for pixel in 0..<plane {
                        levels[pixel * channels + channel] = level(values[channel * plane + pixel])
                    }
                }
                initialized = values.count
            }
        }
    }
}
