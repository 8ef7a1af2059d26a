import ArgumentParser

/// The operator that the flags describe, alone or over that of a bundle.
extension OperatorOptions {
    /// The words that the reference code has for masks, where other tasks have a kernel.
    static let maskWords = ["box", "random"]

    /// The operator of a task, from the flags alone.
    func specification(task: RestorationTask) -> OperatorSpecification {
        applied(to: OperatorSpecification(task: task, sigma: 0.025), fills: true)
    }

    /// A bundle's operator with what the flags say instead.
    /// - Parameters:
    ///   - operation: What the bundle says.
    ///   - fills: Whether what neither says gets a value.
    /// - Returns: The operator.
    /// - Throws: `ValidationError` for a flag that this operator has no use for.
    func specification(
        over operation: OperatorSpecification, fills: Bool = false
    ) throws -> OperatorSpecification {
        let specification = applied(to: operation, fills: fills)
        try FlagRule.check(rules(specification))
        return specification
    }

    /// As ``specification(over:fills:)``, without a check.
    private func applied(to operation: OperatorSpecification, fills: Bool) -> OperatorSpecification {
        var result = operation
        result.sigma = sigma ?? operation.sigma
        switch operation.task {
        case .deblur:
            result.kernel = kernel(over: operation.kernel, standard: "gaussian", fills: fills)
        case .superResolution:
            result.factor = factor ?? operation.factor ?? (fills ? 4 : nil)
            result.kernel = kernel(over: operation.kernel, standard: "bicubic", isAntialias: true, fills: fills)
        case .inpaint:
            result.mask = mask ?? operation.mask
        case .jpeg:
            result.quality = quality ?? operation.quality ?? (fills ? 10 : nil)
        case .denoise, .compressedSensing, .stacked: break
        }
        return result
    }

    /// A kernel named by a flag is made anew; else the flags change numbers of the one that is there.
    private func kernel(
        over known: OperatorSpecification.Kernel?, standard: String, isAntialias: Bool = false, fills: Bool
    ) -> OperatorSpecification.Kernel? {
        if kernel == nil, var known {
            let isSized = kernelSize != nil || kernelVariance != nil
            if known.kind == .gaussianAntialias, isSized { return named("gaussian", isAntialias: isAntialias) }
            switch known.kind {
            case .gaussian:
                known.size = kernelSize ?? known.size
                known.variance = kernelVariance ?? known.variance
            case .uniform:
                known.size = kernelSize ?? known.size
            case .anisotropic:
                known.size = kernelSize ?? known.size
                known.sigma = kernelSigma ?? known.sigma
                known.crossSigma = kernelCrossSigma ?? known.crossSigma
                known.angle = kernelAngle ?? known.angle
            case .motion:
                known.size = kernelSize ?? known.size
                known.length = motionLength ?? known.length
                known.intensity = motionIntensity ?? known.intensity
                known.seed = kernelSeed ?? known.seed
            case .bicubic, .gaussianAntialias, .file, .weights: break
            }
            return known
        }
        guard fills || kernel != nil else { return nil }
        return named(kernel ?? standard, isAntialias: isAntialias)
    }

    private func named(_ name: String, isAntialias: Bool) -> OperatorSpecification.Kernel {
        let size = kernelSize ?? 9
        switch name {
        case "gaussian" where isAntialias && kernelSize == nil && kernelVariance == nil:
            return .init(kind: .gaussianAntialias)
        case "gaussian":
            return .init(kind: .gaussian, size: size, variance: kernelVariance ?? 3)
        case "uniform":
            return .init(kind: .uniform, size: size)
        case "bicubic":
            return .init(kind: .bicubic)
        case "anisotropic":
            return .init(
                kind: .anisotropic, size: size, sigma: kernelSigma ?? 3, crossSigma: kernelCrossSigma ?? 1,
                angle: kernelAngle ?? 0)
        case "motion":
            return .init(
                kind: .motion, size: size, length: motionLength ?? 0.8 * Double(size - 1),
                intensity: motionIntensity ?? 0.5, seed: kernelSeed ?? 0)
        case let file:
            return .init(kind: .file, file: file)
        }
    }

    /// What each flag belongs to.
    /// - Parameter operation: The operator that the flags were used for; nil where an operator file describes it.
    /// - Returns: A rule for each flag.
    func rules(_ operation: OperatorSpecification?) -> [FlagRule] {
        let file = "--task, not to --operator FILE, which says it itself"
        func rule(_ flag: String, _ isGiven: Bool, _ owner: String, _ applies: (OperatorSpecification) -> Bool)
            -> FlagRule
        {
            FlagRule(
                flag, given: isGiven, applies: operation.map(applies) ?? false, owner: operation == nil ? file : owner)
        }
        func task(_ flag: String, _ isGiven: Bool, _ tasks: RestorationTask...) -> FlagRule {
            rule(flag, isGiven, tasks.map { "--task \($0.rawValue)" }.joined(separator: " and ")) {
                tasks.contains($0.task)
            }
        }
        func kernel(_ flag: String, _ isGiven: Bool, _ kinds: OperatorSpecification.Kernel.Kind...) -> FlagRule {
            rule(flag, isGiven, kinds.map { "--kernel \($0.rawValue)" }.joined(separator: ", ")) {
                $0.kernel.map { kinds.contains($0.kind) } ?? false
            }
        }
        let blurs: [RestorationTask] = [.deblur, .superResolution]
        return [
            rule("--kernel", self.kernel != nil, "--task deblur and --task sr") { operation in
                blurs.contains(operation.task)
                    || operation.task == .inpaint && Self.maskWords.contains(self.kernel ?? "")
            },
            rule("--kernel bicubic", self.kernel == "bicubic", "--task sr") { $0.task == .superResolution },
            kernel("--kernel-size", kernelSize != nil, .gaussian, .uniform, .anisotropic, .motion),
            kernel("--kernel-variance", kernelVariance != nil, .gaussian),
            kernel("--kernel-sigma", kernelSigma != nil, .anisotropic),
            kernel("--kernel-cross-sigma", kernelCrossSigma != nil, .anisotropic),
            kernel("--kernel-angle", kernelAngle != nil, .anisotropic),
            kernel("--motion-length", motionLength != nil, .motion),
            kernel("--motion-intensity", motionIntensity != nil, .motion),
            kernel("--kernel-seed", kernelSeed != nil, .motion),
            task("--factor", factor != nil, .superResolution),
            task("--mask", mask != nil, .inpaint),
            task("--quality", quality != nil, .jpeg),
            rule("--sigma", sigma != nil, "--task") { _ in true },
        ]
    }
}
