import UD2MFormats
import UD2MImaging
import UD2MRuntime

/// Measures an image against its reference.
struct PairMeasurement: Sendable {
    let metrics: Set<EvaluationMetric>
    let border: ImageMetrics.Border
    let lpips: LPIPSMetric?

    /// The numbers of one pair.
    struct Values: Sendable {
        let width: Int
        let height: Int
        let numbers: [EvaluationMetric: Double]
    }

    /// Reads both images and measures what was asked for; a grey image is compared with a coloured one as colour.
    /// - Throws: ``UD2MFormats/UD2MError``: `reference-size`, or what reading and measuring throw, with the file's name.
    func measure(_ pair: ImagePair) throws -> Values {
        let (restored, reference) = try (Self.read(pair.restored), Self.read(pair.reference))
        guard restored.width == reference.width, restored.height == reference.height else {
            throw UD2MError(
                .referenceSize,
                "The image is \(restored.width)×\(restored.height) pixels and its reference "
                    + "\(reference.width)×\(reference.height).", at: .init(file: pair.restored))
        }
        do {
            return Values(
                width: restored.width, height: restored.height, numbers: try numbers(restored, reference))
        } catch let error as UD2MError {
            throw error.located(in: .init(file: pair.restored))
        }
    }

    /// The numbers of two images of one size.
    func numbers(_ restored: ImageBuffer, _ reference: ImageBuffer) throws -> [EvaluationMetric: Double] {
        let isGrey = restored.channels == 1 && reference.channels == 1
        let (a, b) = try (Self.tensor(restored, isGrey: isGrey), Self.tensor(reference, isGrey: isGrey))
        var numbers: [EvaluationMetric: Double] = [:]
        if metrics.contains(.psnr) { numbers[.psnr] = try ImageMetrics.psnr(a, reference: b) }
        if metrics.contains(.ssim) { numbers[.ssim] = try ImageMetrics.ssim(a, reference: b, border: border) }
        if let lpips {
            let (left, right) = try (Self.tensor(restored, isGrey: false), Self.tensor(reference, isGrey: false))
            numbers[.lpips] = try lpips.distance(left, right, range: .unit).first
        }
        return numbers
    }

    /// Reads an image; what is wrong with it is told in the toolkit's terms.
    static func read(_ path: String) throws -> ImageBuffer {
        do {
            return try ImageInput.read(path)
        } catch let error as ImageError {
            throw UD2MError(error).located(in: .init(file: path))
        }
    }

    /// The image in [0, 1], one channel or three.
    private static func tensor(_ image: ImageBuffer, isGrey: Bool) throws -> Tensor {
        let shown = isGrey ? image : image.color
        return try Tensor(shape: [1, shown.channels, shown.height, shown.width], values: shown.values)
    }
}
