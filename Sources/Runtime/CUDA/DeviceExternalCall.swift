import UD2MFormats

/// A call of a function of the run's caller between two launches.
struct DeviceExternalCall: Sendable {
    /// A map of a batch in float32, item after item.
    struct Map: Sendable {
        /// Bytes from the start of the arena.
        var offset: Int
        /// [C, H, W].
        var shape: [Int]

        /// Values of an item.
        var count: Int { shape.reduce(1, *) }
    }

    var name: String
    var inputs: [Map]
    var output: Map

    /// Calls the function of this name for an item.
    /// - Throws: `input-missing` when there is none, `external-result` when its result has another shape, and what the
    ///   function throws.
    func run(_ maps: [Tensor], item: Int, _ functions: [String: ExternalFunction]) throws -> Tensor {
        guard let function = functions[name] else {
            throw UD2MError(.inputMissing, "The run needs a function of this name.", at: .init(tensor: name))
        }
        let result = try function(maps, item)
        guard result.shape == [1] + output.shape else {
            throw UD2MError(
                .externalResult, "The function gave \(result.shape), not \([1] + output.shape).",
                at: .init(tensor: name))
        }
        return result
    }
}
