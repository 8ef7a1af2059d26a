import ArgumentParser
import UD2MFormats

/// `name=value` of `--limit`.
struct LimitOverride {
    /// What can be limited: the properties of `Limits`.
    private enum Name: String, CaseIterable {
        case pickleBytes = "pickle-bytes"
        case pickleOperations = "pickle-operations"
        case pickleNodes = "pickle-nodes"
        case picklePayloadFactor = "pickle-payload-factor"
        case pickleLongBytes = "pickle-long-bytes"
        case nestedPickleDepth = "nested-pickle-depth"
        case walkDepth = "walk-depth"
        case walkSteps = "walk-steps"
        case walkStepsPerNode = "walk-steps-per-node"
        case archiveEntries = "archive-entries"
        case archiveDirectoryBytes = "archive-directory-bytes"
        case inflateRatio = "inflate-ratio"
        case inflatedRecordBytes = "inflated-record-bytes"
        case nameBytes = "name-bytes"
        case tensors
        case rank
        case expansionFactor = "expansion-factor"
        case expansionFloorBytes = "expansion-floor-bytes"
        case headerBytes = "header-bytes"
        case headerDepth = "header-depth"
        case jsonDepth = "json-depth"

        var path: WritableKeyPath<Limits, Int> {
            switch self {
            case .pickleBytes: \.pickleBytes
            case .pickleOperations: \.pickleOperations
            case .pickleNodes: \.pickleNodes
            case .picklePayloadFactor: \.picklePayloadFactor
            case .pickleLongBytes: \.pickleLongBytes
            case .nestedPickleDepth: \.nestedPickleDepth
            case .walkDepth: \.walkDepth
            case .walkSteps: \.walkSteps
            case .walkStepsPerNode: \.walkStepsPerNode
            case .archiveEntries: \.archiveEntries
            case .archiveDirectoryBytes: \.archiveDirectoryBytes
            case .inflateRatio: \.inflateRatio
            case .inflatedRecordBytes: \.inflatedRecordBytes
            case .nameBytes: \.nameBytes
            case .tensors: \.tensors
            case .rank: \.rank
            case .expansionFactor: \.expansionFactor
            case .expansionFloorBytes: \.expansionFloorBytes
            case .headerBytes: \.headerBytes
            case .headerDepth: \.headerDepth
            case .jsonDepth: \.jsonDepth
            }
        }
    }

    /// What can be limited, for help.
    static let names = Name.allCases.map(\.rawValue).joined(separator: ", ")

    private let name: Name
    private let value: Int

    /// Reads the value of an option.
    /// - Throws: What is accepted, for anything else.
    static func parse(_ argument: String) throws -> LimitOverride {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { throw ValidationError("expected name=value; names are \(names).") }
        guard let name = Name(rawValue: parts[0]) else {
            throw ValidationError("there is no limit '\(parts[0])'; there are \(names).")
        }
        guard let value = ByteSize(parts[1])?.bytes else {
            throw ValidationError("'\(parts[1])' is no limit; expected \(ByteSize.accepted).")
        }
        return LimitOverride(name: name, value: value)
    }

    func apply(to limits: inout Limits) { limits[keyPath: name.path] = value }
}
