import Foundation
import UD2MFormats
import UD2MImaging
import UD2MRuntime
import UD2MSampler

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
        let clean = try ImageFile.read(image).image
        let noise = PhiloxNoise(seed: seed)
        var specification = specification
        var mask: Mask?
        var maskPath: String?
        if specification.task == .inpaint {
            let made = try specification.mask == nil ? randomMask(for: clean, noise) : givenMask(for: clean)
            mask = made
            let path = "\(output).mask.png"
            maskPath = path
            // The operator file names the mask relative to itself, so that the three files can move together.
            specification.mask = URL(filePath: path).lastPathComponent
        }
        let forward = try OperatorFactory(specification).make(
            height: clean.height, width: clean.width, mask: mask)
        let observation = try Degradation.observe(
            try Tensor(clean), through: forward, noiseLevel: 2 * specification.sigma, noise: noise)

        let operatorPath = "\(output).operator.json"
        for path in [output, operatorPath] + (maskPath.map { [$0] } ?? []) {
            try OutputFile.requireWritable(path, overwrite: overwrite)
        }
        if let mask, let maskPath {
            let pixels = try ImageBuffer(
                width: mask.width, height: mask.height, channels: 1, values: mask.kept.map { $0 ? 1 : 0 })
            try OutputFile.write(pixels, to: maskPath, overwrite: overwrite)
        }
        try OutputFile.write(try JSONOutput.encode(specification), to: operatorPath, overwrite: overwrite)
        try OutputFile.write(try observation.image(bitDepth: bitDepth), to: output, overwrite: overwrite)
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
