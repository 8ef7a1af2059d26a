import UD2MFormats

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A forward operator and its noise as a JSON file keeps them (`schemas/operator.schema.json`).
///
/// `ud2m degrade` writes one beside each observation and `ud2m restore --operator` reads it.
struct OperatorSpecification: Codable, Equatable {
    /// A blur kernel by its parameters.
    struct Kernel: Codable, Equatable {
        enum Kind: String, Codable, CaseIterable {
            case gaussian
            case uniform
            case bicubic
        }

        var kind: Kind
        /// Side of the kernel in pixels; the bicubic kernel's follows from the factor.
        var size: Int?
        /// Variance of the Gaussian in pixels².
        var variance: Double?
    }

    /// The version of this form.
    var version = 1
    var task: RestorationTask
    /// Blur kernel of deblurring, or the anti-aliasing kernel of super-resolution.
    var kernel: Kernel?
    /// How many times smaller than the image the observation is.
    var factor: Int?
    /// The mask image of inpainting, relative to this file: white pixels are known, black ones are missing.
    var mask: String?
    /// Standard deviation of the noise, in units of the image range [0, 1].
    var sigma: Double

    private static let largestFile = 1 << 16

    /// Reads and checks a file.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `operator-file` when it is not such a file.
    init(path: String) throws {
        let file = try MappedFile(path: path)
        guard file.count <= Self.largestFile else {
            throw UD2MError(.operatorFile, "An operator file has a few hundred bytes.", at: .init(file: path))
        }
        let data = withExtendedLifetime(file) { Data(file.bytes) }
        do {
            self = try JSONDecoder().decode(Self.self, from: data)
        } catch {
            throw UD2MError(
                .operatorFile, "This is not an operator file of ud2m degrade.", at: .init(file: path),
                remedy: "See schemas/operator.schema.json for what it holds.")
        }
        guard version == 1 else {
            throw UD2MError(
                .operatorFile, "The operator file has version \(version); this program reads version 1.",
                at: .init(file: path))
        }
        try requireRanges(path)
        try requireMaskInside(path)
    }

    /// An operator file may come from a stranger: it may name a mask in its own folder or below, and nothing else.
    private func requireMaskInside(_ path: String) throws {
        guard let mask else { return }
        let parts = mask.split(separator: "/", omittingEmptySubsequences: false)
        // A leading tilde may be expanded to a home folder.
        guard !mask.isEmpty, !mask.hasPrefix("/"), !mask.hasPrefix("~"), !parts.contains(".."),
            !mask.utf8.contains(0)
        else {
            throw UD2MError(
                .operatorMask, "The mask '\(mask)' is not inside the operator file's folder.", at: .init(file: path),
                remedy: "Put the mask beside the operator file, or pass --task inpaint --mask PNG.")
        }
    }

    /// The ranges of the flags hold for a file's numbers too.
    func requireRanges(_ path: String) throws {
        let kernelIsSound =
            (1...255).contains(kernel?.size ?? 1) && (kernel?.variance ?? 1) > 0 && (kernel?.variance ?? 1).isFinite
            && (task != .deblur || kernel?.kind != .bicubic)
        guard sigma > 0, sigma <= 1, (2...64).contains(factor ?? 2), kernelIsSound else {
            throw UD2MError(
                .operatorFile, "The operator file has a number that is out of range.", at: .init(file: path),
                remedy: "See schemas/operator.schema.json.")
        }
    }

    init(task: RestorationTask, kernel: Kernel? = nil, factor: Int? = nil, mask: String? = nil, sigma: Double) {
        self.task = task
        self.kernel = kernel
        self.factor = factor
        self.mask = mask
        self.sigma = sigma
    }
}

extension UD2MError.Code {
    /// An operator file is malformed.
    static let operatorFile = UD2MError.Code("operator-file", .badData)
    /// An operator file names a mask outside its folder.
    static let operatorMask = UD2MError.Code("operator-mask", .refused)
}
