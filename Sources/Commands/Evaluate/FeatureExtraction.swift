import UD2MFormats
import UD2MImaging
import UD2MRuntime

/// Inception features of sets of images, one image in memory at a time.
struct FeatureExtraction {
    /// The pooled features of a batch [N, 3, 299, 299].
    typealias Features = (Tensor) throws -> Tensor

    let pipeline: InceptionPipeline
    /// The side of the squares that images are cut into, or nil to take them whole.
    let patchSize: Int?
    let features: Features

    /// What a set of images gave.
    struct Result {
        /// Statistics gathered so far.
        var accumulator: FeatureAccumulator?
        /// The features themselves, kept only where asked for.
        var kept: [Float] = []
        /// The images that could not be taken.
        var failures: [(path: String, error: UD2MError)] = []
        /// The images that could.
        var imageCount = 0

        /// The kept features as a tensor [N, d].
        func tensor() throws -> Tensor {
            try Tensor(shape: [accumulator?.count ?? 0, accumulator?.length ?? 0], values: kept)
        }

        /// The statistics of the set.
        /// - Throws: `feature-count` for fewer than two vectors.
        func statistics() throws -> FeatureStatistics {
            guard let accumulator else {
                throw UD2MError(.featureCount, "No image could be read.")
            }
            return try accumulator.statistics()
        }
    }

    /// Runs the network on every image; one that fails is recorded and left out.
    /// - Throws: what is no image's own fault, such as a lack of memory.
    func run(_ set: ImageSet, keepsFeatures: Bool, finished: () -> Void) throws -> Result {
        var result = Result()
        for item in set.items {
            do {
                // All patches of an image count, or none.
                let vectors = try vectors(of: item.path)
                result.imageCount += 1
                for vector in vectors {
                    var accumulator =
                        try result.accumulator.take() ?? FeatureAccumulator(length: vector.values.count)
                    try accumulator.add(vector)
                    result.accumulator = accumulator
                    if keepsFeatures { result.kept += vector.values }
                }
            } catch let error as UD2MError where ![.internalBug, .retry].contains(error.code.category) {
                result.failures.append((item.path, error))
            }
            finished()
        }
        return result
    }

    /// The features of an image or of its patches, each [1, d].
    private func vectors(of path: String) throws -> [Tensor] {
        do {
            return try patches(of: PairMeasurement.read(path)).map { patch in
                let output = try features(try pipeline.input(of: patch))
                return try Tensor(shape: [1, output.values.count], values: output.values)
            }
        } catch let error as ImageError {
            throw UD2MError(error).located(in: .init(file: path))
        } catch let error as UD2MError {
            throw error.located(in: .init(file: path))
        }
    }

    /// The squares of a grid, and those of the grid moved by half a square: 16 and 9 for a quarter of the side.
    private func patches(of image: ImageBuffer) throws -> [ImageBuffer] {
        guard let side = patchSize else { return [image] }
        guard image.width >= side, image.height >= side else {
            throw UD2MError(
                .imagePatch, "The image is \(image.width)×\(image.height) pixels: no square of \(side) fits.")
        }
        let (columns, rows) = (image.width / side, image.height / side)
        var patches: [ImageBuffer] = []
        for (offset, missing) in [(0, 0), (side / 2, 1)] {
            for row in 0..<rows - missing {
                for column in 0..<columns - missing {
                    patches.append(
                        try image.cropped(
                            x: column * side + offset, y: row * side + offset, width: side, height: side))
                }
            }
        }
        return patches
    }
}

extension UD2MError.Code {
    /// An image is too small to be cut into squares.
    static let imagePatch = UD2MError.Code("image-patch", .usage)
}
