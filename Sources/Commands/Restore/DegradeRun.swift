import UD2MFormats
import UD2MImaging
import UD2MRuntime
import UD2MSampler

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The work of `ud2m degrade`.
struct DegradeRun {
    /// The result (`schemas/degrade.schema.json`).
    struct Report: Encodable {
        let tool = "ud2m degrade"
        let version = Version.current
        let image: String
        let output: String
        let operatorFile: String
        let mask: String?
        let `operator`: OperatorSpecification
        let seed: UInt64
    }

    let image: String
    let output: String
    let specification: OperatorSpecification
    let missing: Double
    let seed: UInt64
    let bitDepth: Int
    let overwrite: Bool

    /// Writes the observation, the operator file and, for a random mask, the mask.
    /// - Throws: ``UD2MFormats/UD2MError`` or ``UD2MImaging/ImageError``.
    func execute() throws -> Report {
        let operatorPath = "\(output).operator.json"
        let maskPath = specification.task == .inpaint ? "\(output).mask.png" : nil
        if try OutputSet.imageFormat(of: output) == .jpeg, bitDepth == 16 {
            throw UD2MError(
                .outputSuffix, "A JPEG holds 8 bits a channel, and loses some of them.", at: .init(file: output),
                remedy: "Write a PNG, or pass --bit-depth 8.")
        }
        let outputs = try OutputSet(
            [output, operatorPath] + (maskPath.map { [$0] } ?? []), overwrite: overwrite,
            inputs: [image] + (specification.mask.map { [$0] } ?? []))

        let clean = try ImageInput.read(image)
        let noise = PhiloxNoise(seed: seed)
        var specification = specification
        var mask: Mask?
        if let maskPath {
            mask = try specification.mask == nil ? randomMask(for: clean, noise) : givenMask(for: clean)
            // The operator file names the mask relative to itself, so that the three files can move together.
            specification.mask = URL(filePath: maskPath).lastPathComponent
        }
        let forward = try OperatorFactory(specification).make(
            height: clean.height, width: clean.width, mask: mask)
        let observation = try Degradation.observe(
            try Tensor(clean), through: forward, noiseLevel: 2 * specification.sigma, noise: noise)

        var contents = [
            try OutputSet.encode(try observation.image(bitDepth: bitDepth), for: output),
            (path: operatorPath, bytes: Array(try JSONOutput.encode(specification))),
        ]
        if let mask, let maskPath {
            let pixels = try ImageBuffer(
                width: mask.width, height: mask.height, channels: 1, values: mask.kept.map { $0 ? 1 : 0 })
            contents.append(try OutputSet.encode(pixels, for: maskPath))
        }
        try outputs.write(contents)
        return Report(
            image: image, output: output, operatorFile: operatorPath, mask: maskPath, operator: specification,
            seed: seed)
    }

    private func randomMask(for image: ImageBuffer, _ noise: PhiloxNoise) throws -> Mask {
        try .random(height: image.height, width: image.width, keptFraction: 1 - missing, noise: noise)
    }

    private func givenMask(for image: ImageBuffer) throws -> Mask {
        let pixels = try ImageFile.read(specification.mask ?? "").image.grey
        return try Mask(height: pixels.height, width: pixels.width, values: pixels.values)
    }
}
