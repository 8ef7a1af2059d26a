extension ImageBuffer {
    /// The image with three equal channels; an image in colour is returned as it is.
    public var color: ImageBuffer {
        guard channels == 1 else { return self }
        return ImageBuffer(unchecked: width, height, 3, bitDepth, values + values + values)
    }

    /// The image as one channel of luma, 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601); a grey image is returned
    /// as it is.
    public var grey: ImageBuffer {
        guard channels == 3 else { return self }
        let plane = width * height
        let luma = (0..<plane).map { pixel in
            min(0.299 * values[pixel] + 0.587 * values[plane + pixel] + 0.114 * values[2 * plane + pixel], 1)
        }
        return ImageBuffer(unchecked: width, height, 1, bitDepth, luma)
    }
}
