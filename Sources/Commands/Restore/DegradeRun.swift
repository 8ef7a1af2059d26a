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
        let kernel: String?
        let matrix: String?
        let `operator`: OperatorSpecification
        let seed: UInt64
    }

    let image: String
    let output: String
    let specification: OperatorSpecification
    let flags: DegradationFlags
    let seed: UInt64
    let bitDepth: Int
    let overwrite: Bool

    private var operatorPath: String { "\(output).operator.json" }
    private var maskPath: String? { specification.task == .inpaint ? "\(output).mask.png" : nil }
    private var kernelPath: String? { specification.kernel?.kind == .file ? "\(output).kernel.npy" : nil }
    private var matrixPath: String? {
        specification.task == .compressedSensing && flags.matrix != nil ? "\(output).matrix.npy" : nil
    }

    /// Writes the observation, the operator file and the files that it names.
    /// - Throws: ``UD2MFormats/UD2MError`` or ``UD2MImaging/ImageError``.
    func execute() throws -> Report {
        if try OutputSet.imageFormat(of: output) == .jpeg, bitDepth == 16 {
            throw UD2MError(
                .outputSuffix, "A JPEG holds 8 bits a channel, and loses some of them.", at: .init(file: output),
                remedy: "Write a PNG, or pass --bit-depth 8.")
        }
        let sources = specification.files + (flags.matrix.map { [$0] } ?? [])
        let outputs = try OutputSet(
            [output, operatorPath] + [maskPath, kernelPath, matrixPath].compactMap { $0 }, overwrite: overwrite,
            inputs: [image] + sources)

        let clean = try ImageInput.read(image)
        let noise = PhiloxNoise(seed: seed)
        let parts = try self.parts(for: clean, noise)
        let specification = try resolved(for: clean, parts)
        let forward = try OperatorFactory(specification).make(height: clean.height, width: clean.width, parts: parts)
        let observation = try Degradation.observe(
            try Tensor(clean), through: forward, noiseLevel: 2 * specification.sigma, noise: noise)
        if specification.task == .compressedSensing { try requireRange(observation) }

        var contents = [
            try OutputSet.encode(try observation.image(bitDepth: bitDepth), for: output),
            (path: operatorPath, bytes: Array(try JSONOutput.encode(specification))),
        ]
        if let mask = parts.mask, let maskPath {
            let pixels = try ImageBuffer(
                width: mask.width, height: mask.height, channels: 1, values: mask.kept.map { $0 ? 1 : 0 })
            contents.append(try OutputSet.encode(pixels, for: maskPath))
        }
        if let kernel = parts.kernel, let kernelPath {
            let bytes = try NPYFile.bytes(shape: [kernel.rows, kernel.columns], values: kernel.weights)
            contents.append((path: kernelPath, bytes: bytes))
        }
        if let matrix = parts.matrix, let matrixPath {
            let bytes = try NPYFile.bytes(shape: [matrix.rows, matrix.columns], values: matrix.values)
            contents.append((path: matrixPath, bytes: bytes))
        }
        try outputs.write(contents)
        return Report(
            image: image, output: output, operatorFile: operatorPath, mask: maskPath, kernel: kernelPath,
            matrix: matrixPath, operator: specification, seed: seed)
    }

    /// The mask, kernel or matrix that the flags name or describe.
    private func parts(for clean: ImageBuffer, _ noise: PhiloxNoise) throws -> OperatorFactory.Parts {
        var parts = OperatorFactory.Parts()
        if specification.task == .inpaint {
            parts.mask = try specification.mask.map { path in
                let pixels = try ImageFile.read(path).image.grey
                return try Mask(height: pixels.height, width: pixels.width, values: pixels.values)
            }
            parts.mask = try parts.mask ?? flags.mask(height: clean.height, width: clean.width, noise: noise)
        }
        if kernelPath != nil, let file = specification.kernel?.file { parts.kernel = try ArrayFile.kernel(file) }
        if matrixPath != nil, let file = flags.matrix { parts.matrix = try ArrayFile(npy: file) }
        return parts
    }

    /// The specification as the operator file keeps it: files named relative to itself, so that they can move together,
    /// and what is drawn for this image's size.
    private func resolved(
        for clean: ImageBuffer, _ parts: OperatorFactory.Parts
    ) throws -> OperatorSpecification {
        func name(_ path: String) -> String { URL(filePath: path).lastPathComponent }
        var resolved = specification
        resolved.mask = maskPath.map(name)
        if let kernelPath { resolved.kernel?.file = name(kernelPath) }
        guard specification.task == .compressedSensing else { return resolved }
        let scale = flags.measurementScale
        resolved.sigma = specification.sigma * scale
        guard resolved.sigma <= 1 else {
            throw UD2MError(.observationRange, "The noise times the measurement scale is above 1.")
        }
        resolved.measurement = .init(height: clean.height, width: clean.width, scale: scale)
        if let matrixPath {
            resolved.measurement?.matrix = name(matrixPath)
        } else {
            resolved.measurement?.rows = max(1, Int((flags.measured * Double(clean.height)).rounded()))
            resolved.measurement?.seed = seed
        }
        return resolved
    }

    /// Measurements are no pixels: cutting them off would falsify them unnoticed.
    private func requireRange(_ observation: Tensor) throws {
        let largest = observation.values.reduce(0) { max($0, abs($1)) }
        guard largest <= 1 else {
            throw UD2MError(
                .observationRange, "The measurements reach \(largest), and an image holds -1 to 1.",
                remedy: "Pass a smaller --measurement-scale, such as \(flags.measurementScale / Double(largest)).")
        }
    }
}

extension UD2MError.Code {
    /// Measurements do not fit the range of an image.
    static let observationRange = UD2MError.Code("observation-range", .usage)
}
