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
        /// The observations: the output, or one for each operator of a stack.
        let observations: [String]
        let operatorFile: String
        /// What was written beside a single observation; a stack's files are named in its operator.
        let mask: String?
        let kernel: String?
        let matrix: String?
        let `operator`: OperatorSpecification
        let seed: UInt64
    }

    let image: String
    let output: String
    let factory: OperatorFactory
    /// What a factory of flags leaves open.
    let flags: DegradationFlags?
    let seed: UInt64
    let bitDepth: Int
    let overwrite: Bool

    /// Writes the observations, the operator file and the files that it names.
    /// - Throws: ``UD2MFormats/UD2MError`` or ``UD2MImaging/ImageError``.
    func execute() throws -> Report {
        if try OutputSet.imageFormat(of: output) == .jpeg, bitDepth == 16 {
            throw UD2MError(
                .outputSuffix, "A JPEG holds 8 bits a channel, and loses some of them.", at: .init(file: output),
                remedy: "Write a PNG, or pass --bit-depth 8.")
        }
        let operatorPath = "\(output).operator.json"
        let isStack = factory.specification.task == .stacked
        let parts = factory.parts.enumerated().map { index, factory in
            DegradePart(
                factory: factory, output: isStack ? Self.numbered(output, index) : output, flags: flags, seed: seed)
        }
        let outputs = try OutputSet(
            parts.flatMap(\.outputs) + [operatorPath], overwrite: overwrite,
            inputs: [image] + factory.files + [flags?.matrix].compactMap(\.self))

        let clean = try ImageInput.read(image)
        // The pixels tell images apart, so that those of a folder do not all have the same noise.
        let pixels = clean.values.withUnsafeBytes { XXHash64.value($0) }
        let made = try parts.enumerated().map { index, part in
            try part.made(
                from: clean, noise: PhiloxNoise(seed: seed, item: pixels &+ UInt64(index)), bitDepth: bitDepth)
        }
        let specification =
            isStack ? OperatorSpecification(stacking: made.map(\.specification)) : made[0].specification
        try outputs.write(
            made.flatMap(\.contents) + [(path: operatorPath, bytes: Array(try JSONOutput.encode(specification)))])
        let only = isStack ? nil : parts[0]
        return Report(
            image: image, output: output, observations: parts.map(\.output), operatorFile: operatorPath,
            mask: only?.maskPath, kernel: only?.kernelPath, matrix: only?.matrixPath, operator: specification,
            seed: seed)
    }

    /// `y.png` as `y.0.png`.
    private static func numbered(_ path: String, _ index: Int) -> String {
        let name = path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "\(path).\(index)" }
        return "\(path[..<dot]).\(index)\(path[dot...])"
    }
}
