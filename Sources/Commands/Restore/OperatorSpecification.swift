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
    /// The version of this form.
    var version = 1
    var task: RestorationTask
    /// Blur kernel of deblurring, or the anti-aliasing kernel of super-resolution.
    var kernel: Kernel?
    /// How many times smaller than the image the observation is.
    var factor: Int?
    /// The mask image of inpainting, relative to this file: white pixels are known, black ones are missing.
    var mask: String?
    /// Quality of JPEG compression.
    var quality: Int?
    /// What compressed sensing measures.
    var measurement: Measurement?
    /// The operators of a stack, in the order of its observations.
    var parts: [OperatorSpecification]?
    /// Standard deviation of the noise, in units of the image range [0, 1]; of a stack, the smallest of its parts.
    var sigma: Double

    /// The most operators of a stack.
    static let mostParts = 16
    private static let largestFile = 1 << 20

    /// Reads and checks a file.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `operator-file` when it is not such a file.
    init(path: String) throws {
        let file = try MappedFile(path: path)
        guard file.count <= Self.largestFile else {
            throw UD2MError(.operatorFile, "An operator file has a megabyte at most.", at: .init(file: path))
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
        try requireParts(path)
        try requireFilesInside(path)
    }

    /// The files beside the operator file that it names.
    var files: [String] {
        [mask, kernel?.file, measurement?.matrix].compactMap { $0 } + (parts ?? []).flatMap(\.files)
    }

    /// An operator file may come from a stranger: it may name files in its own folder or below, and nothing else.
    private func requireFilesInside(_ path: String) throws {
        for file in files {
            let parts = file.split(separator: "/", omittingEmptySubsequences: false)
            // A leading tilde may be expanded to a home folder.
            guard !file.isEmpty, !file.hasPrefix("/"), !file.hasPrefix("~"), !parts.contains(".."),
                !file.utf8.contains(0)
            else {
                throw UD2MError(
                    .operatorMask, "'\(file)' is not inside the operator file's folder.", at: .init(file: path),
                    remedy: "Put it beside the operator file, or pass --task and its flags.")
            }
        }
    }

    /// Of σ in units of the image range. Less would overflow the weights of single precision.
    static let sigmaRange = 1e-9...1.0

    /// The ranges of the flags hold for a file's numbers too.
    func requireRanges(_ path: String) throws {
        let antialiases = kernel?.kind == .bicubic || kernel?.kind == .gaussianAntialias
        guard Self.sigmaRange.contains(sigma) else {
            throw UD2MError(
                .operatorFile, "The operator file's sigma is \(ReportNumber(sigma).text), not between 1e-9 and 1.",
                at: .init(file: path), remedy: "State the noise of the observation, of the image range.")
        }
        guard (2...64).contains(factor ?? 2), kernel?.isSound ?? true,
            (1...100).contains(quality ?? 1), measurement?.isSound ?? true, task != .deblur || !antialiases
        else {
            throw UD2MError(
                .operatorFile, "The operator file has a number that is out of range.", at: .init(file: path),
                remedy: "See schemas/operator.schema.json.")
        }
    }

    /// A stack has parts, which are no stacks, and other operators have none.
    private func requireParts(_ path: String) throws {
        let count = parts?.count ?? 0
        guard task == .stacked ? (1...Self.mostParts).contains(count) : parts == nil,
            parts?.allSatisfy({ $0.version == 1 && ![.stacked, .jpeg].contains($0.task) && $0.parts == nil }) ?? true
        else {
            throw UD2MError(
                .operatorFile, "The operator file is no stack of 1 to \(Self.mostParts) linear operators.",
                at: .init(file: path), remedy: "See schemas/operator.schema.json.")
        }
        for part in parts ?? [] { try part.requireRanges(path) }
    }

    /// Several operators as one.
    init(stacking parts: [OperatorSpecification]) {
        self.init(task: .stacked, sigma: parts.map(\.sigma).min() ?? 1)
        self.parts = parts
    }

    init(
        task: RestorationTask, kernel: Kernel? = nil, factor: Int? = nil, mask: String? = nil, quality: Int? = nil,
        sigma: Double
    ) {
        self.task = task
        self.kernel = kernel
        self.factor = factor
        self.mask = mask
        self.quality = quality
        self.sigma = sigma
    }
}

extension UD2MError.Code {
    /// An operator file is malformed.
    static let operatorFile = UD2MError.Code("operator-file", .badData)
    /// An operator file names a mask, kernel or matrix outside its folder.
    static let operatorMask = UD2MError.Code("operator-mask", .refused)
}
