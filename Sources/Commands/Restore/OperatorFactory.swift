import UD2MFormats
import UD2MImaging
import UD2MSampler

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Builds the forward operator of a specification for an image size.
struct OperatorFactory {
    let specification: OperatorSpecification
    /// The folder that a relative mask path starts from.
    let folder: String?

    /// Creates a factory for flags, whose paths start from the working directory.
    init(_ specification: OperatorSpecification) {
        self.specification = specification
        folder = nil
        files = specification.mask.map { [$0] } ?? []
    }

    /// Reads an operator file, whose paths start from its own folder.
    init(file path: String) throws {
        specification = try OperatorSpecification(path: path)
        let folder = URL(filePath: path).deletingLastPathComponent()
        self.folder = folder.path
        files = [path] + (specification.mask.map { [URL(filePath: $0, relativeTo: folder).path] } ?? [])
    }

    /// The size of the clean image that an observation belongs to.
    func imageSize(ofObservation image: ImageBuffer) throws -> (height: Int, width: Int) {
        try imageSize(height: image.height, width: image.width)
    }

    /// The size of the clean image that an observation of a size belongs to.
    func imageSize(height: Int, width: Int) throws -> (height: Int, width: Int) {
        // A factor is at most 64 and an observation at most 2^40 values, so the products are far from overflow.
        let factor = specification.task == .superResolution ? try require(specification.factor, "factor") : 1
        return (height * factor, width * factor)
    }

    /// The files that the operator is read from.
    let files: [String]

    /// Builds the operator for clean images of a size.
    /// - Parameters:
    ///   - height: rows of the clean image.
    ///   - width: columns of the clean image.
    ///   - mask: a mask already at hand, instead of the specification's file.
    /// - Returns: the operator.
    /// - Throws: ``UD2MFormats/UD2MError`` when a parameter is missing or out of range, or the mask does not fit.
    func make(height: Int, width: Int, mask: Mask? = nil) throws -> any LinearForwardOperator {
        switch specification.task {
        case .deblur:
            return try Deblurring(kernel: try kernel(), height: height, width: width)
        case .inpaint:
            let mask = try mask ?? readMask()
            guard mask.height == height, mask.width == width else {
                throw UD2MError(
                    .operatorFile,
                    "The mask is \(mask.width)×\(mask.height) pixels and the image \(width)×\(height).",
                    at: .init(file: specification.mask))
            }
            return Inpainting(mask: mask)
        case .superResolution:
            return try SuperResolution(
                factor: try require(specification.factor, "factor"), kernel: try kernel(), height: height,
                width: width)
        }
    }

    private func kernel() throws -> BlurKernel {
        let kernel = try require(specification.kernel, "kernel")
        switch kernel.kind {
        case .gaussian:
            return try .gaussian(
                size: try require(kernel.size, "kernel size"),
                variance: try require(kernel.variance, "kernel variance"))
        case .uniform:
            return try .uniform(size: try require(kernel.size, "kernel size"))
        case .bicubic:
            return try .bicubic(factor: try require(specification.factor, "factor"))
        }
    }

    private func readMask() throws -> Mask {
        let name = try require(specification.mask, "mask")
        let path = folder.map { URL(filePath: name, relativeTo: URL(filePath: $0, directoryHint: .isDirectory)).path }
        let image = try ImageFile.read(path ?? name).image.grey
        return try Mask(height: image.height, width: image.width, values: image.values)
    }

    private func require<Value>(_ value: Value?, _ name: String) throws -> Value {
        guard let value else {
            throw UD2MError(
                .operatorParameterMissing, "The task \(specification.task.rawValue) needs a \(name).",
                remedy: name == "mask" ? "Pass --mask PNG or --operator FILE." : "Pass --operator FILE or its flag.")
        }
        return value
    }
}

extension UD2MError.Code {
    /// A task lacks a parameter of its operator.
    static let operatorParameterMissing = UD2MError.Code("operator-parameter-missing", .usage)
}
