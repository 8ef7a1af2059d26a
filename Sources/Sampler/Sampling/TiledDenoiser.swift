import UD2MFormats
import UD2MRuntime

/// Runs a denoiser on overlapping tiles of an image, so that its memory does not grow with the image.
///
/// Only the denoiser is tiled: the proximal steps see the whole image, as a blur needs. Where tiles overlap their outputs
/// fade into each other. The result depends on tile size and overlap, and on nothing else.
public struct TiledDenoiser: Denoiser {
    /// What runs on every tile.
    public let denoiser: any Denoiser
    /// The side of a tile in pixels.
    public let tile: Int
    /// How many pixels neighbouring tiles share, at least.
    public let overlap: Int

    /// Wraps a denoiser.
    /// - Parameters:
    ///   - denoiser: What runs on every tile.
    ///   - tile: The side of a tile, a multiple of `multiple`.
    ///   - overlap: Pixels that neighbours share, less than a tile.
    ///   - multiple: What the network's image sizes must divide by (``UD2MRuntime/Network/sizeMultiple``).
    /// - Throws: `UD2MError` with code `sampler-configuration` for sizes out of range.
    public init(_ denoiser: any Denoiser, tile: Int, overlap: Int, multiple: Int = 1) throws {
        guard multiple > 0, tile > 0, tile <= 1 << 16, tile % multiple == 0 else {
            throw UD2MError(
                .samplerConfiguration, "Tiles of \(tile) pixels do not fit the network.",
                remedy: "Take a multiple of \(multiple).")
        }
        guard (0..<tile).contains(overlap) else {
            throw UD2MError(
                .samplerConfiguration, "Tiles of \(tile) pixels cannot overlap by \(overlap).",
                remedy: "An overlap of an eighth to a quarter of the tile is usual.")
        }
        self.denoiser = denoiser
        self.tile = tile
        self.overlap = overlap
    }

    /// The denoiser's output, tile by tile; images that a tile covers are passed through.
    /// - Throws: The denoiser's errors.
    public func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor {
        let shape = try ImageShape(x, name: "x")
        guard shape.height > tile || shape.width > tile else {
            return try denoiser.predictNoise(x, timestep: timestep)
        }
        let rows = axis(shape.height)
        let columns = axis(shape.width)
        var sum = [Double](repeating: 0, count: x.values.count)
        for row in rows {
            for column in columns {
                let part = try crop(x, shape, row.range, column.range)
                let output = try denoiser.predictNoise(part, timestep: timestep)
                guard output.shape == part.shape else {
                    throw UD2MError(
                        .operatorShape, "The denoiser made \(output.shape) of a tile of \(part.shape).",
                        at: UD2MError.Location(tensor: "x"))
                }
                var index = 0
                for plane in 0..<shape.planes {
                    for (y, rowWeight) in zip(row.range, row.weights) {
                        let line = (plane * shape.height + y) * shape.width
                        for (x, weight) in zip(column.range, column.weights) {
                            sum[line + x] += rowWeight * weight * Double(output.values[index])
                            index += 1
                        }
                    }
                }
            }
        }
        return try Tensor(shape: x.shape, values: sum.map { Float($0) })
    }

    /// The tiles of one axis, with weights that add up to one at every pixel.
    private func axis(_ size: Int) -> [(range: Range<Int>, weights: [Double])] {
        let length = min(tile, size)
        var starts = Array(stride(from: 0, to: size - length, by: max(length - overlap, 1)))
        starts.append(size - length)
        var totals = [Double](repeating: 0, count: size)
        let ramps = starts.map { start -> [Double] in
            let ramp = (0..<length).map { offset -> Double in
                // Edges of the image do not fade: nothing else covers them.
                let fromStart = start == 0 ? Double.infinity : Double(offset + 1)
                let fromEnd = start + length == size ? Double.infinity : Double(length - offset)
                return min(1, min(fromStart, fromEnd) / Double(overlap + 1))
            }
            for offset in ramp.indices { totals[start + offset] += ramp[offset] }
            return ramp
        }
        return zip(starts, ramps).map { start, ramp in
            (start..<start + length, ramp.indices.map { ramp[$0] / totals[start + $0] })
        }
    }

    private func crop(
        _ x: Tensor, _ shape: ImageShape, _ rows: Range<Int>, _ columns: Range<Int>
    ) throws -> Tensor {
        var values: [Float] = []
        values.reserveCapacity(shape.planes * rows.count * columns.count)
        for plane in 0..<shape.planes {
            for row in rows {
                let line = (plane * shape.height + row) * shape.width
                values += x.values[line + columns.lowerBound..<line + columns.upperBound]
            }
        }
        return try Tensor(shape: [shape.images, shape.channels, rows.count, columns.count], values: values)
    }
}

extension TiledDenoiser: DeviceDenoiser {
    package var arithmetic: DeviceArithmetic? { (denoiser as? any DeviceDenoiser)?.arithmetic }

    /// Images that a tile covers are passed through; tiles of others go through the host.
    /// - Throws: The denoiser's errors.
    package func predictNoise(_ images: [DeviceTensor], timestep: Int) throws -> [DeviceTensor] {
        guard let denoiser = denoiser as? any DeviceDenoiser,
            images.allSatisfy({ $0.shape.suffix(2).allSatisfy { $0 <= tile } })
        else { return try predictNoiseOnHost(images, timestep: timestep) }
        return try denoiser.predictNoise(images, timestep: timestep)
    }
}
