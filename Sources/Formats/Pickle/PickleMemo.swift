/// The memo of a pickle: numbers of values, never copies (`formats.md` §3.1).
///
/// Picklers number entries 0, 1, 2, …; those live in an array. Any other id goes to a dictionary, so that an id near
/// 2³² costs nothing.
struct PickleMemo {
    private var dense: [PickleNodeID] = []
    private var sparse: [UInt32: PickleNodeID] = [:]

    var count: Int { dense.count + sparse.count }

    subscript(id: UInt32) -> PickleNodeID? {
        Int(id) < dense.count ? dense[Int(id)] : sparse[id]
    }

    mutating func put(_ node: PickleNodeID, at id: UInt32) {
        if Int(id) < dense.count {
            dense[Int(id)] = node
        } else if Int(id) == dense.count {
            if !sparse.isEmpty { sparse[id] = nil }
            dense.append(node)
        } else {
            sparse[id] = node
        }
    }
}
