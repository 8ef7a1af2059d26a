import UD2MFormats

/// How the sampler runs for a task: what a bundle says besides weights.
public struct BundleSettings: Sendable, Equatable {
    /// A noise schedule by its name (`sampler.md` §7.1).
    public enum Schedule: String, Sendable, Hashable, CaseIterable {
        /// β linear from 1e-4 to 0.02 in 1000 steps.
        case linear
        /// The squared cosine.
        case cosine
    }

    /// Whose unfolded step the adapter was trained in.
    public enum Flavour: String, Sendable, Hashable, CaseIterable {
        /// The published code's, with its departures from the formulas (`sampler.md` §8).
        case reference
        /// The exact proximal step.
        case exact
    }

    /// A word to call the bundle by, such as `"imagenet-sr-bicubic"`.
    public var name: String
    /// What it does, for a person; nil when nobody said.
    public var title: String?
    /// The task: `deblur`, `inpaint`, `sr`, or another word.
    public var task: String
    /// What the run called its operator, such as `"random"`; nil when nobody said.
    public var operatorName: String?
    /// The forward operator in the form of an operator file, without its noise level; nil when it is not known.
    public var forwardOperator: JSONObject?
    /// Standard deviation of the observation's noise, in units of the image range [0, 1]; nil when it is not known.
    public var sigma: Double?
    /// N, the steps of the outer loop.
    public var steps: Int
    /// K, the iterations of each step.
    public var iterations: Int
    /// The noise schedule.
    public var schedule: Schedule
    /// The timesteps of the outer loop in descending order, N of them; nil for the grid that follows from N.
    public var timesteps: [Int]?
    /// Whose unfolded step.
    public var flavour: Flavour
    /// The trained numbers of the unfolded step.
    public var scalars: HQSScalars
    /// η of the DDIM step, 0 to 1.
    public var eta: Double
    /// Whether each step starts from the estimate of a RAM network.
    public var usesRAM: Bool

    /// Completes settings: what was not said takes the values that were published with the method.
    /// - Parameters:
    ///   - draft: What was said; a name and a task must be.
    ///   - place: Where it was said, for errors.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `bundle-settings` when the name or the task is missing, or the number
    ///   of timesteps is not N.
    public init(_ draft: Draft, at place: UD2MError.Location = .init()) throws(UD2MError) {
        func missing(_ what: String, _ remedy: String) -> UD2MError {
            UD2MError(.bundleSettings, "Nothing says the bundle's \(what).", at: place, remedy: remedy)
        }
        guard let name = draft.name else { throw missing("name", "Pass --name.") }
        guard let task = draft.task else { throw missing("task", "Pass --task deblur, inpaint or sr.") }
        steps = draft.steps ?? draft.timesteps?.count ?? 3
        if let timesteps = draft.timesteps, timesteps.count != steps {
            throw UD2MError(
                .bundleSettings, "\(timesteps.count) timesteps are not the \(steps) steps.", at: place,
                remedy: "Leave one of them out.")
        }
        self.name = name
        title = draft.title
        self.task = task
        operatorName = draft.operatorName
        forwardOperator = draft.forwardOperator
        sigma = draft.sigma
        iterations = draft.iterations ?? 3
        schedule = draft.schedule ?? .linear
        timesteps = draft.timesteps
        flavour = draft.flavour ?? (draft.scalars.isEmpty ? .exact : .reference)
        scalars = draft.scalars
        eta = draft.eta ?? 0.8
        usesRAM = draft.usesRAM ?? false
    }

    /// Whether both are the same JSON.
    public static func == (lhs: BundleSettings, rhs: BundleSettings) -> Bool { lhs.json == rhs.json }

    /// The settings as a draft that says everything.
    public var draft: Draft {
        var draft = Draft()
        draft.name = name
        draft.title = title
        draft.task = task
        draft.operatorName = operatorName
        draft.forwardOperator = forwardOperator
        draft.sigma = sigma
        draft.steps = steps
        draft.iterations = iterations
        draft.schedule = schedule
        draft.timesteps = timesteps
        draft.flavour = flavour
        draft.scalars = scalars
        draft.eta = eta
        draft.usesRAM = usesRAM
        return draft
    }

    /// The settings as JSON (`schemas/bundle-settings.schema.json`).
    public var json: JSONValue { .object(draft.object) }
}
