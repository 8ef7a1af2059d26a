import Dispatch
import UD2MFormats

/// Weights in the memory of a device.
final class DeviceWeights {
    let layout: DeviceWeightLayout
    let buffer: CUDABuffer

    /// Uploads the weights of a layout, on the context's thread: all processors convert to pinned memory while the device
    /// copies what was converted before. `adjust` changes tensors one at a time, as of ``PackedWeights``.
    /// - Throws: `memory-exhausted`, `cuda-failed`, and what `adjust` throws.
    init(
        _ layout: DeviceWeightLayout, _ sources: [String: StoredTensor], on context: CUDAContext,
        adjust: PackedWeights.Adjustment = { _, _ in nil }
    ) throws {
        self.layout = layout
        buffer = try CUDABuffer(layout.byteCount, on: context, for: "The weights")
        let staging = try Staging(min(layout.byteCount, Self.stagingBytes), on: context)
        for item in layout.items {
            var parts: [String: StoredTensor] = [:]
            for name in item.sources {
                guard let source = sources[name] else { continue }
                parts[name] = try adjust(name, source) ?? source
            }
            let rows = try DeviceRows(item, parts, element: layout.element)
            let rowBytes = item.rowBytes(layout.element)
            guard rowBytes <= Self.stagingBytes, let offset = layout.offsets[item.name] else {
                throw UD2MError(.networkConfiguration, "The layer is too large.", at: .init(tensor: item.name))
            }
            var row = 0
            while row < item.rows {
                let start = offset + row * rowBytes
                let room = try staging.room(at: start, atLeast: rowBytes, of: buffer)
                let end = min(item.rows, row + room.count / rowBytes)
                rows.write(row..<end, rowBytes: rowBytes, to: room)
                staging.fill(to: start + (end - row) * rowBytes)
                row = end
            }
            for name in item.sources { sources[name]?.adviseUnused() }
        }
        try staging.finish(buffer)
    }

    /// Bytes of each of the two pinned buffers.
    private static let stagingBytes = 32 << 20

    /// The addresses of the weights by name.
    var addresses: [String: UInt64] { addresses(in: buffer) }

    /// The addresses that they have in another buffer of the same layout.
    func addresses(in buffer: CUDABuffer) -> [String: UInt64] {
        layout.offsets.mapValues { buffer.address + UInt64($0) }
    }
}

extension DeviceRows {
    /// Writes rows on all processors.
    fileprivate func write(_ rows: Range<Int>, rowBytes: Int, to target: UnsafeMutableRawBufferPointer) {
        guard let start = target.baseAddress else { return }
        let base = TargetPointer(start: start)
        // A part is worth a thread's start.
        let size = max(1, Self.partBytes / max(rowBytes, 1))
        let first = rows.lowerBound
        DispatchQueue.concurrentPerform(iterations: wholeBlocks(rows.count, of: size)) { part in
            let range = first + part * size..<min(first + (part + 1) * size, rows.upperBound)
            write(range, base.start + (range.lowerBound - first) * rowBytes)
        }
    }

    private static let partBytes = 1 << 18

    /// Threads write different bytes.
    private struct TargetPointer: @unchecked Sendable {
        let start: UnsafeMutableRawPointer
    }
}

/// Two pinned buffers, one of which is filled while the other is copied.
private final class Staging {
    private let stream: CUDAStream
    private let buffers: [PinnedBuffer]
    private let events: [CUDAEvent]
    private var current = 0
    /// Whether a copy from each buffer was started.
    private var isPending = [false, false]
    /// The bytes of the target that the current buffer holds.
    private var range = 0..<0

    init(_ byteCount: Int, on context: CUDAContext) throws {
        stream = try CUDAStream(context)
        buffers = try (0..<2).map { _ in try PinnedBuffer(byteCount, on: context) }
        events = try (0..<2).map { _ in try CUDAEvent(context) }
    }

    /// Memory for bytes of the target from `start` on.
    func room(at start: Int, atLeast needed: Int, of target: CUDABuffer) throws -> UnsafeMutableRawBufferPointer {
        if start + needed > range.lowerBound + buffers[current].bytes.count { try flush(target) }
        if range.isEmpty { range = start..<start }
        return UnsafeMutableRawBufferPointer(rebasing: buffers[current].bytes[(start - range.lowerBound)...])
    }

    /// Says that bytes before `end` were written.
    func fill(to end: Int) { range = range.lowerBound..<end }

    private func flush(_ target: CUDABuffer) throws {
        guard !range.isEmpty, let source = buffers[current].bytes.baseAddress else { return }
        try stream.upload(source, to: target.address + UInt64(range.lowerBound), byteCount: range.count)
        try stream.record(events[current])
        isPending[current] = true
        current = 1 - current
        if isPending[current] { try events[current].wait() }
        range = 0..<0
    }

    /// Copies what is left, and waits for everything.
    func finish(_ target: CUDABuffer) throws {
        try flush(target)
        try stream.synchronize()
    }
}
