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
    /// The folder that relative paths start from.
    let folder: String?
    /// The factories of a stack's operators; empty for any other operator.
    private let stack: [OperatorFactory]

    /// Creates a factory for flags, whose paths start from the working directory.
    init(_ specification: OperatorSpecification) {
        self.specification = specification
        folder = nil
        stack = []
        files = specification.files
    }

    /// Reads an operator file, whose paths start from its own folder.
    init(file path: String) throws {
        let specification = try OperatorSpecification(path: path)
        let folder = URL(filePath: path).deletingLastPathComponent()
        self.specification = specification
        self.folder = folder.path
        stack = (specification.parts ?? []).map { OperatorFactory($0, folder: folder.path) }
        files = [path] + specification.files.map { URL(filePath: $0, relativeTo: folder).path }
    }

    /// Reads operator files; several are one stack, in this order.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `operator-file`, also for more operators than a stack holds.
    init(files paths: [String]) throws {
        let factories = try paths.map { try OperatorFactory(file: $0) }
        if factories.count == 1 {
            self = factories[0]
            return
        }
        let parts = factories.flatMap(\.parts)
        guard parts.count <= OperatorSpecification.mostParts else {
            throw UD2MError(
                .operatorFile,
                "\(parts.count) operators are more than the \(OperatorSpecification.mostParts) of a stack.")
        }
        if let index = parts.firstIndex(where: { $0.specification.task == .jpeg }) {
            throw UD2MError(
                .operatorNotLinear, "Compression as JPEG is not linear, and a stack is made of linear operators.",
                at: .init(file: parts[index].files.first))
        }
        specification = OperatorSpecification(stacking: parts.map(\.specification))
        folder = nil
        stack = parts
        files = factories.flatMap(\.files)
    }

    private init(_ specification: OperatorSpecification, folder: String) {
        self.specification = specification
        self.folder = folder
        stack = []
        files = []
    }

    /// The operators one by one: those of a stack, or the only one.
    var parts: [OperatorFactory] { specification.task == .stacked ? stack : [self] }

    /// The size of the clean image that observations belong to, one for each operator.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `operator-shape` when they belong to images of different sizes.
    func imageSize(ofObservations images: [ImageBuffer]) throws -> (height: Int, width: Int) {
        let sizes = try zip(parts, images).map { try $0.imageSize(height: $1.height, width: $1.width) }
        guard let first = sizes.first, sizes.count == parts.count else {
            throw UD2MError(.operatorShape, "\(images.count) observations do not fit \(parts.count) operators.")
        }
        for (index, size) in sizes.enumerated() where size != first {
            throw UD2MError(
                .operatorShape,
                "Observation \(index) belongs to an image of \(size.width)×\(size.height) pixels, and observation 0 to "
                    + "one of \(first.width)×\(first.height).")
        }
        return first
    }

    /// The size of the clean image that an observation of a size belongs to.
    func imageSize(height: Int, width: Int) throws -> (height: Int, width: Int) {
        if specification.task == .compressedSensing {
            let measurement = try require(specification.measurement, "measurement")
            // Checked before an operator takes memory for images of the size that a file claims.
            if let rows = measurement.rows, measurement.matrix == nil, (rows, measurement.width) != (height, width) {
                throw UD2MError(
                    .operatorShape,
                    "The observation is \(width)×\(height) pixels; the operator gives \(measurement.width)×\(rows).")
            }
            return (measurement.height, measurement.width)
        }
        // A factor is at most 64 and an observation at most 2^40 values, so the products are far from overflow.
        if specification.task == .superResolution { _ = try require(specification.factor, "factor") }
        return (height * factor, width * factor)
    }

    /// The size of the clean images where the operator is one for a size only: that of compressed sensing.
    var cleanSize: (height: Int, width: Int)? {
        specification.measurement.map { ($0.height, $0.width) }
    }

    /// Adam's steps and rate in a proximal step through JPEG; the operator's own unless given.
    var jpegStep: (count: Int?, rate: Double?) = (nil, nil)

    /// The files that the operator is read from.
    let files: [String]

    /// What an operator is made of besides numbers, when it is at hand already.
    struct Material {
        var mask: Mask?
        var kernel: BlurKernel?
        var matrix: ArrayFile?
    }

    /// Builds the operator for clean images of a size.
    /// - Parameters:
    ///   - height: rows of the clean image.
    ///   - width: columns of the clean image.
    ///   - material: what is at hand already, instead of the specification's files.
    /// - Returns: the operator.
    /// - Throws: ``UD2MFormats/UD2MError`` when a parameter is missing or out of range, or a file does not fit.
    func make(height: Int, width: Int, material: Material = Material()) throws -> any ForwardOperator {
        switch specification.task {
        case .jpeg:
            return try JPEGCompression(
                quality: try require(specification.quality, "quality"), height: height, width: width,
                steps: jpegStep.count ?? JPEGCompression.usualSteps, learningRate: jpegStep.rate)
        case .deblur, .inpaint, .superResolution, .denoise, .compressedSensing, .stacked:
            return try makeLinear(height: height, width: width, material: material)
        }
    }

    /// Sides of the images that a stand-in is for, at first.
    private static let standInSide = 512

    /// An operator like the one for images of a size, but for the top left corner of larger images, at least 512 pixels a
    /// side, where that is all the same: a plan needs no tables as large as the result.
    /// - Throws: As ``make(height:width:material:)``.
    func makeStandIn(height: Int, width: Int) throws -> any ForwardOperator {
        if specification.task == .inpaint, let mask = try maskCorner(height: height, width: width) {
            return Inpainting(mask: mask)
        }
        // A measurement, or a mask in a stack, belongs to one size; what is larger than a corner, such as a kernel, to a
        // larger corner.
        var side = Self.standInSide
        let sizeIsFree = parts.allSatisfy { $0.specification.mask == nil && $0.specification.measurement == nil }
        // Their least common multiple divides the image's sides, as each of them does, and so does not overflow.
        let step = parts.map(\.factor).reduce(1) { $0 / Self.commonDivisor($0, $1) * $1 }
        func corner(_ length: Int) -> Int { min(length, max(side / step, 1) * step) }
        while sizeIsFree, side < max(height, width) {
            if let standIn = try? make(height: corner(height), width: corner(width)) { return standIn }
            side *= 2
        }
        return try make(height: height, width: width)
    }

    /// The corner of a mask of an image's size; nil where no pixel of it is known.
    private func maskCorner(height: Int, width: Int) throws -> Mask? {
        let mask = try readMask()
        try mask.require(height: height, width: width, file: specification.mask)
        let (rows, columns) = (min(height, Self.standInSide), min(width, Self.standInSide))
        let kept = (0..<rows).flatMap { mask.kept[$0 * width..<$0 * width + columns] }
        return kept.contains(true) ? try Mask(height: rows, width: columns, kept: kept, summary: mask.summary) : nil
    }

    private static func commonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : commonDivisor(b, a % b) }

    /// How many times smaller than an image its observation is.
    var factor: Int { specification.task == .superResolution ? specification.factor ?? 1 : 1 }

    /// Builds the operator where a linear one is needed.
    /// - Throws: As ``make(height:width:material:)``, and `operator-not-linear`.
    func makeLinear(height: Int, width: Int, material: Material = Material()) throws -> any LinearForwardOperator {
        switch specification.task {
        case .deblur:
            return try Deblurring(kernel: try material.kernel ?? kernel(), height: height, width: width)
        case .inpaint:
            let mask = try material.mask ?? readMask()
            try mask.require(height: height, width: width, file: specification.mask)
            return Inpainting(mask: mask)
        case .superResolution:
            return try SuperResolution(
                factor: try require(specification.factor, "factor"), kernel: try material.kernel ?? kernel(),
                height: height, width: width)
        case .denoise:
            return try Denoising(height: height, width: width)
        case .compressedSensing:
            return try sensing(try require(specification.measurement, "measurement"), material.matrix)
        case .stacked:
            return try makeStack(height: height, width: width)
        case .jpeg:
            throw UD2MError(
                .operatorNotLinear, "Compression as JPEG is not linear, and a linear operator is needed here.")
        }
    }

    /// The kernel that the specification describes.
    func kernel() throws -> BlurKernel {
        let kernel = try require(specification.kernel, "kernel")
        func size() throws -> Int { try require(kernel.size, "kernel size") }
        switch kernel.kind {
        case .gaussian:
            return try .gaussian(size: size(), variance: try require(kernel.variance, "kernel variance"))
        case .uniform:
            return try .uniform(size: size())
        case .bicubic:
            return try .bicubic(factor: try require(specification.factor, "factor"))
        case .gaussianAntialias:
            return try .gaussianAntialias(factor: try require(specification.factor, "factor"))
        case .anisotropic:
            return try .anisotropic(
                size: size(), sigma: try require(kernel.sigma, "kernel sigma"),
                crossSigma: try require(kernel.crossSigma, "kernel cross sigma"), angle: kernel.angle ?? 0)
        case .motion:
            return try .motion(
                size: size(), seed: kernel.seed ?? 0, length: try require(kernel.length, "motion length"),
                intensity: kernel.intensity ?? 0.5)
        case .file:
            return try ArrayFile.kernel(path(try require(kernel.file, "kernel file")))
        case .weights:
            let rows = try require(kernel.weights, "weights")
            return try .pointSpread(
                rows: rows.count, columns: rows[0].count, values: rows.flatMap { $0 }, summary: "weights")
        }
    }

    private func sensing(
        _ measurement: OperatorSpecification.Measurement, _ matrix: ArrayFile?
    ) throws -> any LinearForwardOperator {
        let (height, width) = (measurement.height, measurement.width)
        guard let file = measurement.matrix else {
            return try CompressedSensing(
                height: height, width: width, rows: try require(measurement.rows, "number of rows"),
                seed: try require(measurement.seed, "measurement seed"), scale: measurement.scale)
        }
        let matrix = try matrix ?? ArrayFile(npy: path(file))
        guard matrix.columns == height * width else {
            throw UD2MError(
                .operatorShape,
                "The matrix has \(matrix.columns) columns and the image \(width)×\(height) pixels.",
                at: .init(file: file))
        }
        return try GenericLinearOperator.matrix(
            matrix.values.map { measurement.scale * $0 }, imageSize: PlaneSize(height: height, width: width),
            limits: Self.limits())
    }

    /// The stack for images of a size. The observation is that of ``UD2MSampler/StackedOperator/stacked(_:)``.
    func makeStack(height: Int, width: Int) throws -> StackedOperator {
        try StackedOperator(
            parts.map { try $0.makeLinear(height: height, width: width) },
            noiseLevels: parts.map { 2 * $0.specification.sigma }, limits: Self.limits())
    }

    /// Of operators without a closed form: results are float32, and little noise makes systems that take many steps.
    private static func limits() throws -> IterationLimits {
        try IterationLimits(tolerance: 1e-8, maximumIterations: 20_000)
    }

    /// Reads the files that the specification names, for a copy of them.
    /// - Throws: As ``make(height:width:material:)``.
    func readMaterial() throws -> Material {
        Material(
            mask: specification.mask == nil ? nil : try readMask(),
            kernel: specification.kernel?.kind == .file ? try kernel() : nil,
            matrix: try specification.measurement?.matrix.map { try ArrayFile(npy: path($0)) })
    }

    private func path(_ name: String) -> String {
        folder.map { URL(filePath: name, relativeTo: URL(filePath: $0, directoryHint: .isDirectory)).path } ?? name
    }

    private func readMask() throws -> Mask {
        let path = path(try require(specification.mask, "mask"))
        let image = try ImageFile.read(path).image.grey
        do {
            return try Mask(height: image.height, width: image.width, values: image.values)
        } catch let error as UD2MError {
            throw error.located(in: .init(file: path))
        }
    }

    private func require<Value>(_ value: Value?, _ name: String) throws -> Value {
        guard let value else {
            throw UD2MError(
                .operatorParameterMissing, "The task \(specification.task.rawValue) needs a \(name).",
                remedy: Self.flags[name].map { "Pass \($0) or --operator FILE." } ?? "Pass --operator FILE.")
        }
        return value
    }

    /// The flags that say what an operator may lack.
    private static let flags = [
        "mask": "--mask PNG", "factor": "--factor", "quality": "--quality", "kernel": "--kernel",
        "kernel size": "--kernel-size", "kernel variance": "--kernel-variance",
    ]
}

extension Mask {
    /// Throws when the mask is not of an image's size.
    /// - Parameters:
    ///   - height: Rows of the image.
    ///   - width: Its columns.
    ///   - file: The file that the mask comes from.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `operator-file`.
    func require(height: Int, width: Int, file: String?) throws {
        guard self.height == height, self.width == width else {
            throw UD2MError(
                .operatorFile, "The mask is \(self.width)×\(self.height) pixels and the image \(width)×\(height).",
                at: .init(file: file))
        }
    }
}

extension UD2MError.Code {
    /// A task lacks a parameter of its operator.
    static let operatorParameterMissing = UD2MError.Code("operator-parameter-missing", .usage)
    /// A linear operator is needed and this one is not.
    static let operatorNotLinear = UD2MError.Code("operator-not-linear", .usage)
}
