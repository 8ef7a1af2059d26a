import UD2MFormats

/// Runs on images that lie in the device's memory already.
extension CUDARuntime {
    /// See ``CUDANetwork/run(_:scalars:channels:with:)``. Images and results belong to the arithmetic's stream, whose work
    /// so far comes first, and whose later work waits.
    func run(
        _ request: RunRequest, _ images: [DeviceTensor], scalars: [String: Float], channels: Int,
        with arithmetic: DeviceArithmetic
    ) throws -> [DeviceTensor] {
        try context.run { [self] in
            let plan = try plan(for: request.key, batch: request.batch, adapters: nil)
            guard let output = plan.plan.resultShapes.first, output.count == 3, output[0] >= channels,
                (0..<plan.segmentCount).allSatisfy({ plan.externalCall($0) == nil })
            else {
                throw UD2MError(.graphInvalid, "The network gives no images of \(channels) channels by itself.")
            }
            let size = [channels] + output.dropFirst()
            let results = try images.map { try arithmetic.tensor([$0.shape[0]] + size) }
            try arithmetic.interpose(stream) {
                for first in stride(from: 0, to: request.batch, by: plan.plan.images) {
                    let items = first..<min(first + plan.plan.images, request.batch)
                    try fill(plan, items, images, scalars)
                    for index in 0..<plan.segmentCount { try plan.start(index, stream) }
                    try collect(plan, items, results, byteCount: size.reduce(4, *))
                }
            }
            return results
        }
    }

    /// Starts to bring the inputs of some items to the arena; what the plan has room for beyond them repeats the last.
    private func fill(
        _ plan: CUDAPlan, _ items: Range<Int>, _ images: [DeviceTensor], _ scalars: [String: Float]
    ) throws {
        for transfer in plan.plan.inputs {
            let target = plan.address(transfer.offset)
            if let value = scalars[transfer.name] {
                try stream.fill(target, with: value.bitPattern, count: plan.plan.images * transfer.count)
                continue
            }
            for place in 0..<plan.plan.images {
                let source = address(of: min(items.lowerBound + place, items.upperBound - 1), in: images)
                try stream.copy(
                    source, to: target + UInt64(place * transfer.count * 4), byteCount: transfer.count * 4)
            }
        }
    }

    /// Starts to copy the first channels of some items' results out of the arena.
    private func collect(
        _ plan: CUDAPlan, _ items: Range<Int>, _ results: [DeviceTensor], byteCount: Int
    ) throws {
        guard let transfer = plan.plan.results.first else { return }
        for (place, item) in items.enumerated() {
            try stream.copy(
                plan.address(transfer.offset + place * transfer.count * 4), to: address(of: item, in: results),
                byteCount: byteCount)
        }
    }

    /// Where an item of batches of one shape lies.
    private func address(of item: Int, in batches: [DeviceTensor]) -> UInt64 {
        let batch = batches[item / batches[0].shape[0]]
        let count = batch.count / batch.shape[0]
        return batch.buffer.address + UInt64(item % batch.shape[0] * count * 4)
    }
}
