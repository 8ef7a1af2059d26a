import UD2MFormats

extension BundleSettings {
    /// Settings of which anything may be unsaid: a settings file, what a file name tells, what flags say.
    public struct Draft: Sendable {
        /// A word to call the bundle by.
        public var name: String?
        /// What it does, for a person.
        public var title: String?
        /// The task.
        public var task: String?
        /// The run's word for its operator.
        public var operatorName: String?
        /// The forward operator, in the form of an operator file.
        public var forwardOperator: JSONObject?
        /// The noise level, in units of the image range.
        public var sigma: Double?
        /// N.
        public var steps: Int?
        /// K.
        public var iterations: Int?
        /// The noise schedule.
        public var schedule: Schedule?
        /// The timesteps of the outer loop.
        public var timesteps: [Int]?
        /// Whose unfolded step.
        public var flavour: Flavour?
        /// The trained numbers.
        public var scalars = HQSScalars()
        /// η of the DDIM step.
        public var eta: Double?
        /// Whether steps start from a RAM network.
        public var usesRAM: Bool?

        /// Creates settings of which nothing is said.
        public init() {}

        /// Bytes of a settings file that are read at most.
        private static let fileLimit = 1 << 20
        /// Every member.
        private static let keys: Set<String> = [
            "name", "title", "task", "operatorName", "operator", "sigma", "steps", "iterations", "schedule",
            "timesteps", "flavour", "scalars", "eta", "usesRAM",
        ]

        /// Reads a settings file (`schemas/bundle-settings.schema.json`).
        /// - Throws: ``UD2MFormats/UD2MError`` with code `bundle-settings`, or a `file-…` or `json-…` code.
        public init(path: String) throws {
            let file = try MappedFile(path: path)
            let place = UD2MError.Location(file: path)
            guard file.count <= Self.fileLimit else {
                throw UD2MError(.bundleSettings, "A settings file has a few hundred bytes.", at: place)
            }
            let json = try withExtendedLifetime(file) { try JSONValue(parsing: file.bytes, at: place) }
            let fields = try JSONFields(json, .bundleSettings, at: place)
            try fields.requireKnown(Self.keys)
            try fields.fields("scalars")?.requireKnown(Set(HQSScalars.names.map(\.key)))
            try self.init(fields)
        }

        /// Reads members of an object; others are left alone.
        init(_ fields: JSONFields) throws(UD2MError) {
            name = try fields.text("name", atMost: 200)
            title = try fields.text("title")
            task = try fields.text("task", atMost: 64)
            if let task, !Self.isWord(task) {
                throw fields.error("task", "must be a word of lower-case letters, digits and hyphens.")
            }
            operatorName = try fields.text("operatorName", atMost: 64)
            forwardOperator = try Self.forwardOperator(fields)
            sigma = try fields.number("sigma", in: 0...1)
            if sigma == 0 { throw fields.error("sigma", "must be above 0.") }
            steps = try fields.whole("steps", in: 1...1000)
            iterations = try fields.whole("iterations", in: 1...1000)
            schedule = try fields.word("schedule")
            timesteps = try Self.timesteps(fields)
            flavour = try fields.word("flavour")
            scalars = try fields.fields("scalars").map { fields throws(UD2MError) in try HQSScalars(fields) } ?? .init()
            eta = try fields.number("eta", in: 0...1)
            usesRAM = try fields.flag("usesRAM")
        }

        private static func isWord(_ text: String) -> Bool {
            guard let first = text.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else {
                return false
            }
            return text.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789-".utf8.contains($0) }
        }

        /// An operator's own fields are checked by whoever builds it; here only what concerns the bundle is.
        private static func forwardOperator(_ fields: JSONFields) throws(UD2MError) -> JSONObject? {
            guard let inner = try fields.fields("operator") else { return nil }
            _ = try inner.required("version", inner.whole("version", in: 1...1))
            _ = try inner.required("task", inner.text("task", atMost: 64))
            for key in ["mask", "sigma"] where inner.object[key] != nil {
                throw fields.error(
                    "operator",
                    key == "mask" ? "names a mask, which belongs to an image." : "has a noise level, which is 'sigma'.")
            }
            return inner.object
        }

        private static func timesteps(_ fields: JSONFields) throws(UD2MError) -> [Int]? {
            guard let value = fields.object["timesteps"] else { return nil }
            guard case .array(let items) = value, (1...1000).contains(items.count) else {
                throw fields.error("timesteps", "must be a list of at least one and at most 1000 numbers.")
            }
            let timesteps = items.compactMap(\.int).filter { (0..<1000).contains($0) }
            guard timesteps.count == items.count, zip(timesteps, timesteps.dropFirst()).allSatisfy({ $0 >= $1 }) else {
                throw fields.error("timesteps", "must be whole numbers from 0 to 999 in descending order.")
            }
            return timesteps
        }

        /// What is said, as members of an object.
        var object: JSONObject {
            var object = JSONObject()
            object["name"] = name.map { .string($0) }
            object["title"] = title.map { .string($0) }
            object["task"] = task.map { .string($0) }
            object["operatorName"] = operatorName.map { .string($0) }
            object["operator"] = forwardOperator.map { .object($0) }
            object["sigma"] = sigma.map { .double($0) }
            object["steps"] = steps.map { JSONValue($0) }
            object["iterations"] = iterations.map { JSONValue($0) }
            object["schedule"] = schedule.map { .string($0.rawValue) }
            object["timesteps"] = timesteps.map { .array($0.map { JSONValue($0) }) }
            object["flavour"] = flavour.map { .string($0.rawValue) }
            object["scalars"] = scalars.isEmpty ? nil : scalars.json
            object["eta"] = eta.map { .double($0) }
            object["usesRAM"] = usesRAM.map { .bool($0) }
            return object
        }

        /// What is said here, and what another says where this is silent.
        public func over(_ other: Draft) -> Draft {
            var result = self
            result.name = name ?? other.name
            result.title = title ?? other.title
            result.task = task ?? other.task
            result.operatorName = operatorName ?? other.operatorName
            result.forwardOperator = forwardOperator ?? other.forwardOperator
            result.sigma = sigma ?? other.sigma
            result.steps = steps ?? other.steps
            result.iterations = iterations ?? other.iterations
            result.schedule = schedule ?? other.schedule
            // Timesteps are a way of saying N: a number of steps said here replaces them.
            result.timesteps = timesteps ?? (steps == nil ? other.timesteps : nil)
            if timesteps != nil, steps == nil { result.steps = nil }
            result.flavour = flavour ?? other.flavour
            result.scalars = scalars.over(other.scalars)
            result.eta = eta ?? other.eta
            result.usesRAM = usesRAM ?? other.usesRAM
            return result
        }
    }
}
