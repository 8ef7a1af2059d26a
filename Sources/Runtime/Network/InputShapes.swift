import UD2MFormats

/// The sizes of a run's images and its batch, from the checked shapes of its inputs.
struct InputShapes {
    /// Of every image input, in the network's order.
    private(set) var sizes: [PlanKey.Size] = []
    /// The items of the batch.
    private(set) var batch = 0

    /// Checks the shapes of a run's inputs; `shape` gives the one of a name.
    /// - Throws: `input-missing` or `input-shape` with the input's name.
    init(of inputs: [NetworkInput], _ shape: (String) -> [Int]?) throws {
        for input in inputs {
            guard let shape = shape(input.name) else {
                throw UD2MError(.inputMissing, "The network needs this input.", at: .init(tensor: input.name))
            }
            guard let count = shape.first, count > 0, batch == 0 || count == batch else {
                let wanted = batch == 0 ? "one or more" : "\(batch)"
                throw Self.error(input.name, "The shape \(shape) has no batch of \(wanted) items.")
            }
            batch = count
            switch input.kind {
            case .image(let channels, let sides):
                sizes.append(try Self.size(shape, input.name, channels: channels, sides: sides))
            case .lowResolutionImage(let channels):
                sizes.append(try Self.size(shape, input.name, channels: channels, sides: .init()))
            case .timestep, .classLabel:
                guard shape.count == 1 else { throw Self.error(input.name, "The shape is \(shape); it must be [N].") }
            }
        }
    }

    private static func size(
        _ shape: [Int], _ name: String, channels: Int, sides: NetworkInput.Sides
    ) throws -> PlanKey.Size {
        guard shape.count == 4, shape[1] == channels else {
            throw error(name, "The shape is \(shape); it must be [N, \(channels), H, W].")
        }
        for side in shape[2...] where side < 1 || !sides.contains(side) {
            throw error(name, "A side has \(side) pixels; it must be \(sides.description).")
        }
        return PlanKey.Size(name: name, height: shape[2], width: shape[3])
    }

    private static func error(_ input: String, _ message: String) -> UD2MError {
        UD2MError(.inputShape, message, at: .init(tensor: input))
    }
}
