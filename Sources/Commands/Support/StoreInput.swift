import UD2MFormats
import UD2MImaging

/// Weight stores that commands run.
enum StoreInput {
    /// Opens a store; a checkpoint in its place is recognised and told apart from a damaged store.
    /// - Throws: `store-is-checkpoint` for another kind of checkpoint, `store-is-image`, or what opening a store throws.
    static func open(_ path: String) throws -> WeightStore {
        do {
            return try WeightStore(path: path)
        } catch let error as UD2MError where error.code.category == .badData {
            if let file = try? MappedFile(path: path), let head = try? file.read(0..<min(file.count, 512)),
                let image = try? ImageFormat(sniffing: head)
            {
                throw UD2MError(
                    .storeIsImage, "This is an image (\(image.rawValue)), not a weight store.", at: .init(file: path),
                    remedy: "Name the store first: COMMAND STORE.ud2w IMAGE.")
            }
            // Only a file that opens as something else is called that; otherwise the store's own error is the better one.
            guard let checkpoint = try? Checkpoint.open(path: path), checkpoint.container != .weightStore,
                checkpoint.container != .safetensors
            else { throw error }
            throw UD2MError(
                .storeIsCheckpoint, "This is a checkpoint (\(checkpoint.container.rawValue)), not a weight store.",
                at: .init(file: path), remedy: "Convert it first: ud2m-convert \(path) OUT.ud2w")
        }
    }
}

extension UD2MError.Code {
    /// A checkpoint was given where a weight store is needed.
    static let storeIsCheckpoint = UD2MError.Code("store-is-checkpoint", .badData)
    /// An image was given where a weight store is needed.
    static let storeIsImage = UD2MError.Code("store-is-image", .badData)
}
