import UD2MFormats

/// The four numbers that UD2M trains beside its adapters, as they are stored: before `exp` and before the factor 1000
/// (`sampler.md` §7.3). A number that a run does not have is nil.
public struct HQSScalars: Sendable, Hashable {
    /// `SP_Param`: its exponential multiplies ρ, for inpainting only.
    public var sp: Double?
    /// `LambdaSIG`: its exponential is λ, the weight of the noise's variance. Runs that gave RAM to the unfolded steps
    /// lack it.
    public var lambdaSigma: Double?
    /// `TAUG`: 1000 times it is added to the timestep of an inner level.
    public var tAug: Double?
    /// `TLAT`: 1000 times it is added to the timestep of the noise.
    public var tLat: Double?

    /// The largest magnitude that is read: the exponential of more is no number in single precision.
    static let limit = 80.0
    /// What the numbers are called in a checkpoint, before `.0`, and here.
    static let names: [(stored: String, key: String, path: any WritableKeyPath<HQSScalars, Double?> & Sendable)] = [
        ("SP_Param", "sp", \.sp), ("LambdaSIG", "lambdaSigma", \.lambdaSigma), ("TAUG", "tAug", \.tAug),
        ("TLAT", "tLat", \.tLat),
    ]

    /// Creates numbers.
    public init(sp: Double? = nil, lambdaSigma: Double? = nil, tAug: Double? = nil, tLat: Double? = nil) {
        self.sp = sp
        self.lambdaSigma = lambdaSigma
        self.tAug = tAug
        self.tLat = tLat
    }

    /// Reads members of an object.
    init(_ fields: JSONFields) throws(UD2MError) {
        for name in Self.names { self[keyPath: name.path] = try fields.number(name.key, in: -Self.limit...Self.limit) }
    }

    /// The numbers that are there, as JSON.
    var json: JSONValue {
        var object = JSONObject()
        for name in Self.names { object[name.key] = self[keyPath: name.path].map { .double($0) } }
        return .object(object)
    }

    /// Whether there is none.
    public var isEmpty: Bool { self == HQSScalars() }

    /// These numbers, and others where one is missing.
    func over(_ other: HQSScalars) -> HQSScalars {
        var result = other
        for name in Self.names where self[keyPath: name.path] != nil {
            result[keyPath: name.path] = self[keyPath: name.path]
        }
        return result
    }
}
