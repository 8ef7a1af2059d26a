import UD2MFormats

/// Reading an operator file: every key must belong to the task, or it would do nothing, and every number must be in range.
extension OperatorSpecification {
    private static let largestFile = 1 << 20
    /// Of σ in units of the image range. Less would overflow the weights of single precision.
    static let sigmaRange = 1e-9...1.0

    /// Reads and checks a file.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `operator-file`, naming the key and what it holds, when it is not such a
    ///   file; a `file-…` code.
    init(path: String) throws {
        let place = UD2MError.Location(file: path)
        let file = try MappedFile(path: path)
        guard file.count <= Self.largestFile else {
            throw UD2MError(.operatorFile, "An operator file has a megabyte at most.", at: place)
        }
        let json: JSONValue
        do {
            json = try withExtendedLifetime(file) { try JSONValue(parsing: file.bytes, at: place) }
        } catch let error as UD2MError where error.code.name.hasPrefix("json-") {
            throw UD2MError(
                .operatorFile, "The operator file is not valid JSON: \(error.message)", at: error.location)
        }
        try self.init(json, at: place)
        try requireFilesInside(path)
    }

    /// Reads and checks a document.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `operator-file`, naming the key and what it holds.
    init(_ json: JSONValue, at place: UD2MError.Location) throws(UD2MError) {
        let fields: JSONFields
        do {
            fields = try JSONFields(json, .operatorFile, at: place)
            try self.init(fields)
        } catch {
            var error = error
            error.remedy = error.remedy ?? "See schemas/operator.schema.json for what an operator file holds."
            throw error
        }
    }

    private init(_ fields: JSONFields) throws(UD2MError) {
        _ = try fields.required("version", fields.whole("version", in: 1...1))
        let task: RestorationTask = try fields.required("task", fields.word("task"))
        try fields.requireKnown(["version", "task", "sigma"] + task.operatorKeys, of: "the task \(task.rawValue)")
        self.init(
            task: task, sigma: try fields.required("sigma", fields.number("sigma", in: Self.sigmaRange)))
        kernel = try fields.fields("kernel").map { fields throws(UD2MError) in try Kernel(fields, of: task) }
        factor = try fields.whole("factor", in: 2...64)
        mask = try fields.text("mask", atMost: 4096)
        quality = try fields.whole("quality", in: 1...100)
        measurement = try fields.fields("measurement").map { fields throws(UD2MError) in try Measurement(fields) }
        parts = try fields.list("parts", count: 1...Self.mostParts)?.map { fields throws(UD2MError) in
            let part = try OperatorSpecification(fields)
            guard ![.stacked, .jpeg].contains(part.task) else {
                throw fields.error("task", "must be that of a linear operator in a stack, not '\(part.task.rawValue)'.")
            }
            return part
        }
        if task == .stacked {
            let least = try fields.required("parts", parts).map(\.sigma).min() ?? sigma
            guard sigma == least else {
                throw fields.error("sigma", "must be the smallest of the parts', which is \(least), not \(sigma).")
            }
        }
    }

    /// An operator file may come from a stranger: it may name files in its own folder or below, and nothing else.
    private func requireFilesInside(_ path: String) throws {
        for file in files {
            let parts = file.split(separator: "/", omittingEmptySubsequences: false)
            // A leading tilde may be expanded to a home folder.
            guard !file.hasPrefix("/"), !file.hasPrefix("~"), !parts.contains("..") else {
                throw UD2MError(
                    .operatorMask, "'\(file)' is not inside the operator file's folder.", at: .init(file: path),
                    remedy: "Put it beside the operator file, or pass --task and its flags.")
            }
        }
    }
}

extension RestorationTask {
    /// The keys of an operator file that belong to the task alone.
    fileprivate var operatorKeys: [String] {
        switch self {
        case .deblur: ["kernel"]
        case .inpaint: ["mask"]
        case .superResolution: ["kernel", "factor"]
        case .jpeg: ["quality"]
        case .denoise: []
        case .compressedSensing: ["measurement"]
        case .stacked: ["parts"]
        }
    }
}

extension OperatorSpecification.Kernel {
    fileprivate init(_ fields: JSONFields, of task: RestorationTask) throws(UD2MError) {
        let kind: Kind = try fields.required("kind", fields.word("kind"))
        guard task == .superResolution || (kind != .bicubic && kind != .gaussianAntialias) else {
            throw fields.error("kind", "must be a blur's, and '\(kind.rawValue)' belongs to the task sr.")
        }
        try fields.requireKnown(["kind"] + kind.keys, of: "the kernel \(kind.rawValue)")
        self.init(kind: kind)
        size = try fields.whole("size", in: 1...255)
        variance = try fields.positive("variance")
        sigma = try fields.positive("sigma")
        crossSigma = try fields.positive("crossSigma")
        angle = try fields.number("angle")
        length = try fields.positive("length")
        intensity = try fields.number("intensity", in: 0...100)
        seed = try fields.unsigned("seed")
        file = try fields.text("file", atMost: 4096)
        weights = try Self.weights(fields)
    }

    private static func weights(_ fields: JSONFields) throws(UD2MError) -> [[Double]]? {
        guard let value = fields.object["weights"] else { return nil }
        guard case .array(let rows) = value, !rows.isEmpty else {
            throw fields.error("weights", "must be a list of rows.")
        }
        return try rows.enumerated().map { index, row throws(UD2MError) in
            guard case .array(let elements) = row else {
                throw fields.error("weights[\(index)]", "must be a row of numbers.")
            }
            let numbers = elements.compactMap(\.number)
            guard numbers.count == elements.count, !numbers.isEmpty else {
                throw fields.error("weights[\(index)]", "must be a row of numbers.")
            }
            guard case .array(let first) = rows[0], first.count == numbers.count else {
                throw fields.error("weights[\(index)]", "must be as long as the row before.")
            }
            return numbers
        }
    }
}

extension OperatorSpecification.Kernel.Kind {
    /// The keys that belong to kernels of the kind.
    fileprivate var keys: [String] {
        switch self {
        case .gaussian: ["size", "variance"]
        case .uniform: ["size"]
        case .bicubic, .gaussianAntialias: []
        case .anisotropic: ["size", "sigma", "crossSigma", "angle"]
        case .motion: ["size", "length", "intensity", "seed"]
        case .file: ["file"]
        case .weights: ["weights"]
        }
    }
}

extension OperatorSpecification.Measurement {
    private static let largestPixels = 1 << 26

    fileprivate init(_ fields: JSONFields) throws(UD2MError) {
        let isMatrix = fields.object["matrix"] != nil
        try fields.requireKnown(
            ["height", "width", "scale"] + (isMatrix ? ["matrix"] : ["rows", "seed"]),
            of: isMatrix ? "measurements by a matrix" : "measurements by a random transform")
        let height = try fields.required("height", fields.whole("height", in: 1...65_535))
        let width = try fields.required("width", fields.whole("width", in: 1...65_535))
        guard height * width <= Self.largestPixels else {
            throw fields.error(
                "height", "and 'width' give \(height * width) pixels, and \(Self.largestPixels) are the most.")
        }
        self.init(height: height, width: width, scale: try fields.required("scale", fields.positive("scale")))
        matrix = try fields.text("matrix", atMost: 4096)
        guard !isMatrix else { return }
        rows = try fields.required("rows", fields.whole("rows", in: 1...height))
        seed = try fields.required("seed", fields.unsigned("seed"))
    }
}
