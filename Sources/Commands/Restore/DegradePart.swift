import UD2MFormats
import UD2MImaging
import UD2MRuntime
import UD2MSampler

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One operator of `ud2m degrade`: its observation and the files that it needs.
struct DegradePart {
    let factory: OperatorFactory
    /// Where the observation goes.
    let output: String
    /// What the operator is still to be drawn or read from; nil where a file describes all of it.
    let flags: DegradationFlags?
    let seed: UInt64

    private var specification: OperatorSpecification { factory.specification }
    var maskPath: String? { specification.task == .inpaint ? "\(output).mask.png" : nil }
    var kernelPath: String? { specification.kernel?.kind == .file ? "\(output).kernel.npy" : nil }
    var matrixPath: String? {
        (flags?.matrix ?? specification.measurement?.matrix) == nil ? nil : "\(output).matrix.npy"
    }

    /// The files that are written besides the operator file.
    var outputs: [String] { [output] + [maskPath, kernelPath, matrixPath].compactMap(\.self) }

    /// What is to be written for the operator.
    struct Made {
        let specification: OperatorSpecification
        let contents: [(path: String, bytes: [UInt8])]
    }

    /// Degrades an image.
    /// - Parameters:
    ///   - clean: The image.
    ///   - noise: The noise of the observation.
    ///   - bitDepth: Bits a channel of the observation.
    /// - Returns: The operator as its file keeps it, and the files' contents.
    /// - Throws: ``UD2MFormats/UD2MError`` or ``UD2MImaging/ImageError``.
    func made(from clean: ImageBuffer, noise: some NoiseSource, bitDepth: Int) throws -> Made {
        let material = try material(for: clean)
        let specification = try resolved(for: clean)
        let size = OperatorFactory(specification).cleanSize ?? (height: clean.height, width: clean.width)
        guard size == (clean.height, clean.width) else {
            throw UD2MError(
                .operatorShape,
                "The operator measures images of \(size.width)×\(size.height) pixels, and this one has "
                    + "\(clean.width)×\(clean.height).")
        }
        let forward = try OperatorFactory(specification).make(
            height: clean.height, width: clean.width, material: material)
        let observation = try Degradation.observe(
            try Tensor(clean), through: forward, noiseLevel: 2 * specification.sigma, noise: noise)
        if specification.task == .compressedSensing { try requireRange(observation, specification) }
        return Made(
            specification: specification,
            contents: [try OutputSet.encode(try observation.image(bitDepth: bitDepth), for: output)]
                + (try copies(of: material)))
    }

    /// The mask, kernel or matrix that is named or described.
    private func material(for clean: ImageBuffer) throws -> OperatorFactory.Material {
        var material = try factory.readMaterial()
        try material.mask?.require(height: clean.height, width: clean.width, file: factory.specification.mask)
        guard let flags else { return material }
        // The operator follows from the seed alone, so that all images of a folder can have the same.
        if specification.task == .inpaint, material.mask == nil {
            material.mask = try flags.mask(
                height: clean.height, width: clean.width, noise: PhiloxNoise(seed: seed))
        }
        if let file = flags.matrix { material.matrix = try ArrayFile(npy: file) }
        return material
    }

    private func copies(of material: OperatorFactory.Material) throws -> [(path: String, bytes: [UInt8])] {
        var contents: [(path: String, bytes: [UInt8])] = []
        if let mask = material.mask, let maskPath {
            let pixels = try ImageBuffer(
                width: mask.width, height: mask.height, channels: 1, values: mask.kept.map { $0 ? 1 : 0 })
            contents.append(try OutputSet.encode(pixels, for: maskPath))
        }
        if let kernel = material.kernel, let kernelPath {
            let bytes = try NPYFile.bytes(shape: [kernel.rows, kernel.columns], values: kernel.weights)
            contents.append((path: kernelPath, bytes: bytes))
        }
        if let matrix = material.matrix, let matrixPath {
            let bytes = try NPYFile.bytes(shape: [matrix.rows, matrix.columns], values: matrix.values)
            contents.append((path: matrixPath, bytes: bytes))
        }
        return contents
    }

    /// The specification as the operator file keeps it: files named relative to itself, so that they can move together,
    /// and what is drawn for this image's size.
    private func resolved(for clean: ImageBuffer) throws -> OperatorSpecification {
        func name(_ path: String) -> String { URL(filePath: path).lastPathComponent }
        var resolved = specification
        resolved.mask = maskPath.map(name)
        if let kernelPath { resolved.kernel?.file = name(kernelPath) }
        guard specification.task == .compressedSensing else { return resolved }
        guard let flags else {
            if let matrixPath { resolved.measurement?.matrix = name(matrixPath) }
            return resolved
        }
        let scale = flags.scale
        resolved.sigma = specification.sigma * scale
        guard resolved.sigma <= 1 else {
            throw UD2MError(.observationRange, "The noise times the measurement scale is above 1.")
        }
        resolved.measurement = .init(height: clean.height, width: clean.width, scale: scale)
        if let matrixPath {
            resolved.measurement?.matrix = name(matrixPath)
        } else {
            resolved.measurement?.rows = max(1, Int((flags.measuredShare * Double(clean.height)).rounded()))
            resolved.measurement?.seed = seed
        }
        return resolved
    }

    /// Measurements are no pixels: cutting them off would falsify them unnoticed.
    private func requireRange(_ observation: Tensor, _ specification: OperatorSpecification) throws {
        let largest = observation.values.reduce(0) { max($0, abs($1)) }
        guard largest > 1, let scale = specification.measurement?.scale else { return }
        throw UD2MError(
            .observationRange, "The measurements reach \(largest), and an image holds -1 to 1.",
            remedy: "Use a smaller measurement scale, such as \(scale / Double(largest)).")
    }
}

extension UD2MError.Code {
    /// Measurements do not fit the range of an image.
    static let observationRange = UD2MError.Code("observation-range", .usage)
}
