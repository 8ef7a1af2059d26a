import ArgumentParser
import UD2MFormats
import UD2MSampler

/// What `degrade` draws or marks out itself; the operator file keeps the result.
struct DegradationFlags: ParsableArguments {
    @Option(help: "Fraction of pixels that a random mask misses, 0.7 by default, when there is no --mask (inpaint).")
    var missing: Double?

    @Option(
        name: [.customLong("kept"), .customLong("mask_rate")],
        help: "Fraction of pixels that a random mask keeps, instead of --missing (inpaint).")
    var kept: Double?

    @Option(
        help: ArgumentHelp(
            "Rectangle that is missing, in pixels, or in shares of the image when a number has a point (inpaint).",
            valueName: "x,y,width,height"))
    var box: String?

    @Option(help: "Share of the image's numbers that is measured (cs), 0.3 by default.")
    var measured: Double?

    @Option(
        name: .customLong("measurement-scale"),
        help: "What measurements are multiplied by, so that they fit an image (cs), 0.2 by default.")
    var measurementScale: Double?

    @Option(
        help: ArgumentHelp(
            "Measurement matrix, one column a pixel, instead of a random transform (cs).", valueName: "npy"))
    var matrix: String?

    mutating func validate() throws {
        for (flag, value) in [("--missing", missing), ("--kept", kept)] {
            if let value, !(0...1).contains(value) { throw ValidationError("\(flag) must be 0…1.") }
        }
        guard [missing, kept].compactMap({ $0 }).count + (box == nil ? 0 : 1) <= 1 else {
            throw ValidationError("Give one of --missing, --kept and --box.")
        }
        if let box, Self.numbers(box) == nil { throw ValidationError("--box must be four numbers: x,y,width,height.") }
        guard measuredShare > 0, measuredShare <= 1 else {
            throw ValidationError("--measured must be above 0 and at most 1.")
        }
        guard scale > 0, scale.isFinite else { throw ValidationError("--measurement-scale must be positive.") }
    }

    var measuredShare: Double { measured ?? 0.3 }
    var scale: Double { measurementScale ?? 0.2 }

    /// What each flag belongs to.
    /// - Parameters:
    ///   - task: The task; nil where an operator file describes what is done.
    ///   - hasMask: Whether a mask is given as a file.
    ///   - maskWord: What the mask is called in the reference code's way.
    /// - Returns: A rule for each flag.
    func rules(task: RestorationTask?, hasMask: Bool, maskWord: String?) -> [FlagRule] {
        let isInpainting = task == .inpaint
        let isSensing = task == .compressedSensing
        let drawn = "a random mask (--task inpaint without --mask)"
        return [
            .init(
                "--kernel \(maskWord ?? "")", given: isInpainting && maskWord != nil, applies: !hasMask,
                owner: "--task inpaint without --mask"),
            .init(
                "--missing", given: missing != nil, applies: isInpainting && !hasMask && maskWord != "box", owner: drawn
            ),
            .init("--kept", given: kept != nil, applies: isInpainting && !hasMask && maskWord != "box", owner: drawn),
            .init(
                "--box", given: box != nil, applies: isInpainting && !hasMask && maskWord != "random",
                owner: "--task inpaint without another mask"),
            .init(
                "--measured", given: measured != nil, applies: isSensing && matrix == nil,
                owner: "--task cs without --matrix"),
            .init("--measurement-scale", given: measurementScale != nil, applies: isSensing, owner: "--task cs"),
            .init("--matrix", given: matrix != nil, applies: isSensing, owner: "--task cs"),
        ]
    }

    /// The mask that these flags describe.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `mask-invalid` when the box does not lie inside the image or no
    ///   pixel is kept.
    func mask(height: Int, width: Int, noise: some NoiseSource) throws -> Mask {
        guard let box, let numbers = Self.numbers(box) else {
            return try .random(
                height: height, width: width, keptFraction: kept ?? (1 - (missing ?? 0.7)), noise: noise)
        }
        let scales = box.contains(".") ? [width, height, width, height].map { Double($0) } : [1, 1, 1, 1]
        let pixels = zip(numbers, scales).map { Int(($0 * $1).rounded()) }
        return try .box(
            height: height, width: width, top: pixels[1], left: pixels[0], boxHeight: pixels[3], boxWidth: pixels[2])
    }

    /// Four numbers from 0 to 65535.
    private static func numbers(_ text: String) -> [Double]? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        let numbers = parts.compactMap { $0 }.filter { (0...65_535).contains($0) }
        return parts.count == 4 && numbers.count == 4 ? numbers : nil
    }
}
