/// A stretch of memory that is needed for some steps.
package struct ArenaRequest: Sendable, Hashable {
    /// Floats needed.
    package var size: Int
    /// The steps during which they are needed.
    package var lifetime: ClosedRange<Int>

    package init(size: Int, lifetime: ClosedRange<Int>) {
        self.size = size
        self.lifetime = lifetime
    }
}

/// Offsets of requests in one shared arena.
package struct ArenaLayout: Sendable, Hashable {
    /// The offset of each request in floats.
    package var offsets: [Int]
    /// Floats in the arena.
    package var size: Int
}

/// Places requests in an arena so that those alive at the same step do not overlap.
package enum ArenaPacking {
    /// Floats to which offsets are aligned: one cache line.
    package static let alignment = 16

    /// Places the largest requests first, each at the lowest offset that is free for its whole lifetime.
    ///
    /// Quadratic in the number of requests, which are a few hundred.
    package static func pack(_ requests: [ArenaRequest]) -> ArenaLayout {
        var layout = ArenaLayout(offsets: [Int](repeating: 0, count: requests.count), size: 0)
        let order = requests.indices.sorted {
            (requests[$1].size, $0) < (requests[$0].size, $1)
        }
        var placed: [Int] = []
        for index in order {
            let size = (requests[index].size + alignment - 1) / alignment * alignment
            let neighbours = placed.filter { requests[$0].lifetime.overlaps(requests[index].lifetime) }
                .sorted { layout.offsets[$0] < layout.offsets[$1] }
            var offset = 0
            for neighbour in neighbours {
                if layout.offsets[neighbour] >= offset + size { break }
                let end = layout.offsets[neighbour] + requests[neighbour].size
                offset = max(offset, (end + alignment - 1) / alignment * alignment)
            }
            layout.offsets[index] = offset
            layout.size = max(layout.size, offset + size)
            placed.append(index)
        }
        return layout
    }
}
