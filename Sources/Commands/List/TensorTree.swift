import UD2MFormats

/// Names split at their dots, with runs of alike siblings folded: `input_blocks.1…5`.
struct TensorTree {
    private struct Node {
        let label: String
        var children: [Int] = []
        var childByLabel: [[UInt8]: Int] = [:]
        var tensor: ListReport.Tensor?
        var tensors = 0
        var bytes = 0
        /// What the subtree looks like, whatever its root is called: equal for blocks of one kind.
        var signature = 0
    }

    /// Levels at most; deeper names end in one label.
    private static let maximumDepth = 64

    private var nodes = [Node(label: "")]

    /// Builds the tree in the order of the tensors.
    init(_ tensors: [ListReport.Tensor]) {
        for tensor in tensors {
            let parts = tensor.name.split(
                separator: ".", maxSplits: Self.maximumDepth - 1, omittingEmptySubsequences: false)
            var node = 0
            count(tensor, at: 0)
            for part in parts {
                node = child(of: node, String(part))
                count(tensor, at: node)
            }
            nodes[node].tensor = tensor
        }
        // Children have larger indices than their parents.
        for index in nodes.indices.reversed() { sign(index) }
    }

    private mutating func count(_ tensor: ListReport.Tensor, at node: Int) {
        nodes[node].tensors += 1
        nodes[node].bytes &+= tensor.bytes
    }

    private mutating func child(of node: Int, _ label: String) -> Int {
        let key = Array(label.utf8)
        if let found = nodes[node].childByLabel[key] { return found }
        nodes.append(Node(label: label))
        nodes[node].children.append(nodes.count - 1)
        nodes[node].childByLabel[key] = nodes.count - 1
        return nodes.count - 1
    }

    private mutating func sign(_ index: Int) {
        var hasher = Hasher()
        hasher.combine(nodes[index].tensor?.dtype)
        hasher.combine(nodes[index].tensor?.shape)
        for child in nodes[index].children {
            hasher.combine(Array(nodes[child].label.utf8))
            hasher.combine(nodes[child].signature)
        }
        nodes[index].signature = hasher.finalize()
    }

    /// The tree as lines, `depth` levels deep; what is deeper is summed up.
    func lines(depth: Int) -> [String] {
        var lines: [String] = []
        append(children(of: 0), indent: "", depth: depth, to: &lines)
        return lines
    }

    /// A run of siblings that are alike but for their numbers, or a single one.
    private struct Group {
        var first: Int
        var last: Int
        var count: Int
    }

    private func children(of node: Int) -> [Group] {
        var groups: [Group] = []
        for child in nodes[node].children {
            if let last = groups.last, isNumber(last.last), isNumber(child),
                nodes[last.last].signature == nodes[child].signature
            {
                groups[groups.count - 1].last = child
                groups[groups.count - 1].count += 1
            } else {
                groups.append(Group(first: child, last: child, count: 1))
            }
        }
        return groups
    }

    private func isNumber(_ node: Int) -> Bool {
        let label = nodes[node].label.utf8
        return !label.isEmpty && label.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// Recursion is bounded by ``maximumDepth``.
    private func append(_ groups: [Group], indent: String, depth: Int, to lines: inout [String]) {
        for (index, group) in groups.enumerated() {
            let isLast = index == groups.count - 1
            let node = nodes[group.first]
            var label = node.label.escapedForDisplay
            if group.count > 1 { label += "…\(nodes[group.last].label.escapedForDisplay) (\(group.count) ×)" }
            lines.append(indent + (isLast ? "└ " : "├ ") + label + detail(node))
            if depth > 1 {
                append(
                    children(of: group.first), indent: indent + (isLast ? "  " : "│ "), depth: depth - 1, to: &lines)
            }
        }
    }

    private func detail(_ node: Node) -> String {
        if let tensor = node.tensor { return "  \(tensor.dtype) \(tensor.shape.shapeText)" }
        return "  \(node.tensors) tensors, \(ByteText.size(node.bytes))"
    }
}
