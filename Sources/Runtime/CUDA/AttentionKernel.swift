/// The kernel that attends with heads of a width.
struct AttentionKernel {
    /// As `ud2m_cuda_kernel_named` knows it.
    let name: String
    /// Bytes of dynamic shared memory of a block.
    let sharedBytes: Int

    /// - Parameters:
    ///   - headChannels: Channels of a head.
    ///   - element: The elements of the maps.
    init(headChannels: Int, element: DeviceElement) {
        // Tensor cores take channels by eights, and a block's queries must fit in the 99 KiB that every GPU has.
        guard element != .f32, headChannels % 8 == 0, headChannels <= 512 else {
            (name, sharedBytes) = ("attention_plain_\(element.rawValue)", 0)
            return
        }
        let slice = (65...256).contains(headChannels) ? 128 : 64
        name = "attention_\(slice)_\(element.rawValue)"
        // Queries, two chunks of keys and the values, 64 rows each (attention_tensor.cuh).
        let queryRow = (headChannels + 63) / 64 * 64 + 8
        sharedBytes = 64 * (queryRow + 2 * 72 + slice + 8) * element.size
    }
}
