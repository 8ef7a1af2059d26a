/// K_s: images next to what AᵀA makes of them, at scale s (`networks.md` §3.2, step 1).
struct KrylovEmbedding: Sendable {
    let stack: MeasurementStack
    /// s; images of this scale have 1/2ˢ the size.
    let scale: Int
    private let resampling: SincResampling

    init(_ stack: MeasurementStack, scale: Int) {
        self.stack = stack
        self.scale = scale
        resampling = SincResampling(factor: 1 << scale)
    }

    /// K_s(D_s x): [1, C, H, W] → [1, 2C, H/2ˢ, W/2ˢ].
    func ofFullImage(_ image: Tensor) throws -> Tensor {
        try embedding(of: resampling.down(image), parts: 1)
    }

    /// K_s of several images that are stacked along the channels, one after the other: [1, P·C, h, w] → [1, 2P·C, h, w].
    func embedding(of images: Tensor, parts: Int) throws -> Tensor {
        let (channels, height, width) = (images.shape[1] / parts, images.shape[2], images.shape[3])
        // Stacking along the channels is the batch's memory order too.
        let batch = try Tensor(shape: [parts, channels, height, width], values: images.values)
        // An enlarged image has 4ˢ times smaller values through both filters.
        let gram = try resampling.down(stack.gram(resampling.up(batch))).scaled(by: Double(1 << (2 * scale)))
        let size = channels * height * width
        var values: [Float] = []
        values.reserveCapacity(2 * images.values.count)
        for part in 0..<parts {
            values.append(contentsOf: batch.values[part * size..<(part + 1) * size])
            values.append(contentsOf: gram.values[part * size..<(part + 1) * size])
        }
        return try Tensor(shape: [1, 2 * parts * channels, height, width], values: values)
    }
}
