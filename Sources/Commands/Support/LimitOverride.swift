import ArgumentParser
import UD2MFormats

/// `name=value` of `--limit`.
struct LimitOverride: ExpressibleByArgument {
    /// What can be limited: the properties of `Limits`.
    private enum Name: String, CaseIterable {
        case pickleBytes = "pickle-bytes"
        case pickleOperations = "pickle-operations"
        case pickleNodes = "pickle-nodes"
        case picklePayloadFactor = "pickle-payload-factor"
        case pickleLongBytes = "pickle-long-bytes"
        case nestedPickleDepth = "nested-pickle-depth"
        case walkDepth = "walk-depth"
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

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let name = Name(rawValue: parts[0]), let value = ByteSize(argument: parts[1])?.bytes
        else { return nil }
        self.name = name
        self.value = value
    }

    func apply(to limits: inout Limits) { limits[keyPath: name.path] = value }
}
