/// A tensor that is stored in chunks, each a box of it.
struct TensorChunk: Sendable {
    /// Where the box starts.
    let offsets: [Int]
    /// The box's elements.
    let source: TensorSource
}

/// Checks that chunks tile a tensor: every element in exactly one of them (`formats.md` §7).
struct ChunkTiling {
    let shape: [Int]
    let chunks: [TensorChunk]

    /// Cells of the grid that the chunks' edges make; real ones have as many as chunks.
    private static let maximumCells = 1 << 22

    /// What is wrong, or nil when the chunks tile the tensor.
    func problem() -> String? {
        if shape.contains(0) { return nil }
        var edges: [Set<Int>] = shape.map { [0, $0] }
        for chunk in chunks {
            guard chunk.offsets.count == shape.count, chunk.source.shape.count == shape.count else {
                return "A chunk has another number of dimensions than its tensor."
            }
            for axis in shape.indices {
                let (end, overflow) = chunk.offsets[axis].addingReportingOverflow(chunk.source.shape[axis])
                guard !overflow, chunk.offsets[axis] >= 0, end <= shape[axis], chunk.source.shape[axis] > 0 else {
                    return "A chunk reaches outside its tensor."
                }
                edges[axis].insert(chunk.offsets[axis])
                edges[axis].insert(end)
            }
        }
        let sorted = edges.map { $0.sorted() }
        var cellCount = 1
        for axis in sorted {
            let (product, overflow) = cellCount.multipliedReportingOverflow(by: axis.count - 1)
            guard !overflow, product <= Self.maximumCells else { return "The chunks are cut in too many ways." }
            cellCount = product
        }
        var covered = [Bool](repeating: false, count: cellCount)
        var coveredCount = 0
        for chunk in chunks {
            let ranges = shape.indices.map { axis in
                Self.position(
                    of: chunk.offsets[axis], in: sorted[axis])..<Self.position(
                        of: chunk.offsets[axis] + chunk.source.shape[axis], in: sorted[axis])
            }
            guard Self.mark(ranges, sizes: sorted.map { $0.count - 1 }, in: &covered, &coveredCount) else {
                return "Two chunks overlap."
            }
        }
        return coveredCount == cellCount ? nil : "A part of the tensor is in no chunk."
    }

    /// Marks a box of cells; false when one is marked already.
    private static func mark(
        _ ranges: [Range<Int>], sizes: [Int], in covered: inout [Bool], _ count: inout Int
    ) -> Bool {
        var index = ranges.map(\.lowerBound)
        while true {
            let cell = zip(index, sizes).reduce(0) { $0 * $1.1 + $1.0 }
            if covered[cell] { return false }
            covered[cell] = true
            count += 1
            var axis = ranges.count - 1
            while axis >= 0 {
                index[axis] += 1
                if index[axis] < ranges[axis].upperBound { break }
                index[axis] = ranges[axis].lowerBound
                axis -= 1
            }
            if axis < 0 { return true }
        }
    }

    private static func position(of edge: Int, in sorted: [Int]) -> Int {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < edge { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// A tensor put together from its chunks in memory when its bytes are asked for.
final class TiledStorage: TensorStorage {
    let key: String
    let byteCount: Int
    let isBigEndian = false
    private let shape: [Int]
    private let width: Int
    private let chunks: [TensorChunk]

    /// A storage of the dense tensor that `chunks` tile, as the caller has checked.
    init(key: String, shape: [Int], byteCount: Int, width: Int, chunks: [TensorChunk]) {
        self.key = key
        self.shape = shape
        self.byteCount = byteCount
        self.width = width
        self.chunks = chunks
    }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: max(byteCount, 1), alignment: 64)
        defer { whole.deallocate() }
        for chunk in chunks {
            try chunk.source.withContiguousBytes { bytes in copy(bytes, of: chunk, into: whole) }
        }
        return try body(UnsafeRawBufferPointer(rebasing: whole[..<byteCount]))
    }

    /// Copies a chunk row by row of its innermost dimension.
    private func copy(_ bytes: UnsafeRawBufferPointer, of chunk: TensorChunk, into whole: UnsafeMutableRawBufferPointer)
    {
        let sizes = chunk.source.shape
        guard let innermost = sizes.last, !sizes.contains(0) else {
            if byteCount > 0 { whole.copyMemory(from: bytes) }
            return
        }
        let strides = TensorSource.denseStrides(shape)
        let rowBytes = innermost * width
        var index = [Int](repeating: 0, count: sizes.count)
        for start in stride(from: 0, to: bytes.count, by: rowBytes) {
            let element = sizes.indices.reduce(0) { $0 + (chunk.offsets[$1] + index[$1]) * strides[$1] }
            let row = UnsafeRawBufferPointer(rebasing: bytes[start..<start + rowBytes])
            UnsafeMutableRawBufferPointer(rebasing: whole[(element * width)...]).copyMemory(from: row)
            var axis = sizes.count - 2
            while axis >= 0 {
                index[axis] += 1
                if index[axis] < sizes[axis] { break }
                index[axis] = 0
                axis -= 1
            }
        }
    }
}
