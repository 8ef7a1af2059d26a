import UD2MFormats
import UD2MLoRA

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The operator of a bundle, from an operator file or from the word that UD2M's runs have for it.
struct BundleOperator {
    /// The operator, without its noise level and without a mask.
    var form: JSONObject?
    /// The run's word for it.
    var name: String?
    /// The file's noise level.
    var sigma: Double?
    /// What a person should know, as sentences.
    var notes: [String] = []

    /// Bytes of an operator file that are read at most.
    private static let fileLimit = 1 << 16

    /// What `--operator` names: a file, or a word.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `operator-file` or a `file-…` or `json-…` code.
    static func named(_ argument: String, task: String?) throws -> BundleOperator {
        let isFile = argument.hasSuffix(".json") || FileManager.default.fileExists(atPath: argument)
        return try isFile ? BundleOperator(path: argument) : BundleOperator(name: argument, task: task)
    }

    /// Reads an operator file.
    private init(path argument: String) throws {
        let place = UD2MError.Location(file: argument)
        let file = try MappedFile(path: argument)
        guard file.count <= Self.fileLimit,
            case .object(var object) = try withExtendedLifetime(
                file, { try JSONValue(parsing: file.bytes, at: place) })
        else { throw UD2MError(.operatorFile, "This is not an operator file.", at: place) }
        sigma = try Self.specification(object, at: argument, hasSigma: object["sigma"] != nil).sigma
        if object["sigma"] == nil { sigma = nil }
        object["sigma"] = nil
        if object["mask"] != nil {
            object["mask"] = nil
            notes.append("The operator's mask belongs to an image and is left out.")
        }
        form = object
    }

    /// Knows the operators of UD2M's published runs by their words.
    init(name: String, task: String?) {
        self.name = name
        var kernel: JSONObject?
        var unknown: [String] = []
        switch (task, name) {
        case ("deblur", "gaussian"), ("sr", "gaussian"):
            // The published code calls a variance of 3 its standard deviation (`sampler.md` §8).
            kernel = JSONObject()
            kernel?["kind"] = "gaussian"
            kernel?["variance"] = 3
            unknown.append("the kernel's size")
        case ("deblur", "uniform"):
            kernel = JSONObject()
            kernel?["kind"] = "uniform"
            unknown.append("the kernel's size")
        case ("sr", "bicubic"):
            kernel = JSONObject()
            kernel?["kind"] = "bicubic"
        case ("inpaint", _): break
        default:
            notes.append("The operator '\(name)' is known by its name only: pass --operator FILE to describe it.")
            return
        }
        var object = JSONObject()
        object["version"] = 1
        object["task"] = task.map { .string($0) }
        object["kernel"] = kernel.map { .object($0) }
        // No published run has another.
        if task == "sr" { object["factor"] = 4 }
        form = object
        if !unknown.isEmpty {
            notes.append(
                "The name '\(name)' does not tell \(unknown.joined(separator: " and ")): pass --operator FILE to say it."
            )
        }
    }

    /// Reads an operator as `ud2m restore` would, a noise level put in where it has none.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `operator-file` when this program cannot read it.
    static func specification(
        _ object: JSONObject, at path: String, hasSigma: Bool = false
    ) throws -> OperatorSpecification {
        var object = object
        if !hasSigma { object["sigma"] = 0.025 }
        let specification = try OperatorSpecification(.object(object), at: .init(file: path))
        guard specification.task != .stacked else {
            throw UD2MError(
                .operatorFile, "The operator is a stack, and a bundle holds one operator.", at: .init(file: path),
                remedy: "Pass the stack to ud2m restore --operator.")
        }
        return specification
    }
}
