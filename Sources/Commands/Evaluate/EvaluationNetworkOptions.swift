import ArgumentParser
import UD2MRuntime

/// Networks that metrics need, and how they are used.
struct EvaluationNetworkOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The network of LPIPS, with its linear layers.", valueName: "ud2w"))
    var lpips: String?

    @Option(help: "The program whose LPIPS is computed: lpips (unless given), torchmetrics or pyiqa.")
    var lpipsConvention: LPIPSDistance.Convention?

    @Option(help: ArgumentHelp("The Inception network of FID and KID.", valueName: "ud2w"))
    var inception: String?

    @Option(
        help: ArgumentHelp(
            "How images reach that network: pytorch-fid (unless given), torch-fidelity, clean-fid or torchmetrics.",
            valueName: "pipeline"))
    var fidPipeline: InceptionPipeline?

    @Option(
        help: ArgumentHelp(
            "Cut images into squares for FID and KID: a grid, and the grid moved by half a square.",
            valueName: "pixels"))
    var fidPatches: Int?

    @Option(help: ArgumentHelp("FID against the mean and covariance in this file.", valueName: "npz"))
    var referenceStatistics: String?

    @Option(help: ArgumentHelp("Write the mean and covariance of REFERENCE.", valueName: "npz"))
    var saveStatistics: String?

    @Option(help: "Random subsets for KID, 100 unless given; one where a subset is all of both folders.")
    var kidSubsets: Int?

    @Option(help: "Images in a subset for KID; 1000 unless given, or all of the smaller folder.")
    var kidSubsetSize: Int?

    @Option(help: "Seed of the subsets' choice.")
    var kidSeed: UInt64?
}

extension EvaluationNetworkOptions {
    /// How images reach the Inception network.
    var pipeline: InceptionPipeline { fidPipeline ?? .pytorchFID }

    /// Checks that the options make sense together.
    func validate(_ metrics: Set<EvaluationMetric>, hasReference: Bool, hasCSV: Bool) throws {
        let needsInception = metrics.contains(.fid) || metrics.contains(.kid)
        if metrics.contains(.lpips), lpips == nil { throw ValidationError("LPIPS needs its network: --lpips FILE.") }
        if needsInception, inception == nil {
            throw ValidationError("FID and KID need the Inception network: --inception FILE.")
        }
        guard hasReference != (referenceStatistics != nil) else {
            throw ValidationError(
                hasReference
                    ? "Give REFERENCE or --reference-statistics, not both."
                    : "Give REFERENCE or --reference-statistics.")
        }
        if referenceStatistics != nil, metrics != [.fid] {
            throw ValidationError("Statistics suffice for FID only; the other metrics need the reference images.")
        }
        if saveStatistics != nil, !metrics.contains(.fid) || !hasReference {
            throw ValidationError("--save-statistics writes what FID gathers of REFERENCE; measure fid.")
        }
        if hasCSV, !metrics.contains(where: \.isPaired) {
            throw ValidationError("--csv has a line for each image; FID and KID have none.")
        }
        if let fidPatches, !(8...4096).contains(fidPatches) { throw ValidationError("--fid-patches must be 8…4096.") }
        if let kidSubsets, !(1...100_000).contains(kidSubsets) {
            throw ValidationError("--kid-subsets must be 1…100000.")
        }
        try refuseUnused(metrics)
        if let kidSubsetSize, !(2...16_384).contains(kidSubsetSize) {
            throw ValidationError("--kid-subset-size must be 2…16384.")
        }
    }
    /// Refuses options about metrics that are not measured: they would be ignored in silence.
    private func refuseUnused(_ metrics: Set<EvaluationMetric>) throws {
        let given: [(option: String, isGiven: Bool, metrics: Set<EvaluationMetric>)] = [
            ("--lpips-convention", lpipsConvention != nil, [.lpips]),
            ("--fid-pipeline", fidPipeline != nil, [.fid, .kid]),
            ("--fid-patches", fidPatches != nil, [.fid, .kid]),
            ("--kid-subsets", kidSubsets != nil, [.kid]), ("--kid-subset-size", kidSubsetSize != nil, [.kid]),
            ("--kid-seed", kidSeed != nil, [.kid]),
        ]
        for (option, isGiven, wanted) in given where isGiven && metrics.isDisjoint(with: wanted) {
            let names = EvaluationMetric.allCases.filter(wanted.contains).map { $0.rawValue.uppercased() }
            throw ValidationError("\(option) is about \(names.joined(separator: " and ")), which is not measured.")
        }
    }
}
