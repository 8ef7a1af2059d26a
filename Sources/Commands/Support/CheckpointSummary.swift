import UD2MConvert
import UD2MFormats

/// Counts over some tensors, as reports give them.
struct TensorTotals: Encodable {
    /// One element type's share.
    struct ElementTypeShare: Encodable {
        let dtype: String
        let tensors: Int
        let elements: Int
        let bytes: Int
    }

    let tensors: Int
    let elements: Int
    let bytes: Int
    /// By bytes, most first.
    let dtypes: [ElementTypeShare]

    /// Counts; sums stop at the largest integer, since stride-0 tensors may claim anything.
    init(_ sources: [TensorSource]) {
        var shares: [String: (tensors: Int, elements: Int, bytes: Int)] = [:]
        for source in sources {
            let old = shares[source.elementTypeName] ?? (0, 0, 0)
            shares[source.elementTypeName] = (
                old.tensors + 1, old.elements.addedOrMaximum(source.elementCount),
                old.bytes.addedOrMaximum(source.byteCount)
            )
        }
        tensors = sources.count
        elements = shares.values.reduce(0) { $0.addedOrMaximum($1.elements) }
        bytes = shares.values.reduce(0) { $0.addedOrMaximum($1.bytes) }
        dtypes = shares.map { type, share in
            ElementTypeShare(
                dtype: type, tensors: share.tensors, elements: share.elements, bytes: share.bytes)
        }.sorted { ($0.bytes, $1.dtype) > ($1.bytes, $0.dtype) }
    }

    /// "all F32", or "202 F16, 48 F32".
    var typeText: String {
        if dtypes.count == 1, let only = dtypes.first { return "all \(only.dtype)" }
        return dtypes.map { "\($0.tensors) \($0.dtype)" }.joined(separator: ", ")
    }
}

/// A recognised network, as reports give it.
struct ArchitectureSummary: Encodable {
    let family: String
    let summary: String
    let parameters: Int
    /// Published models of exactly this shape.
    let matches: [String]
    let evidence: [String]
    /// "ADM U-Net, 552,814,086 parameters, 256×256 unconditional (matches 256x256_diffusion_uncond)".
    let text: String

    private enum CodingKeys: CodingKey { case family, summary, parameters, matches, evidence }

    init(_ detected: DetectedArchitecture) {
        family = detected.family
        summary = detected.summary
        parameters = detected.publishedParameterCount
        let (names, description) = detected.knownModels
        matches = names
        evidence = detected.evidence
        let known = matches.isEmpty ? "" : " (matches \(matches.joined(separator: ", ")))"
        text =
            "\(detected.title), \(ByteText.grouped(parameters)) parameters, "
            + "\(description ?? detected.details)\(known)"
    }
}
