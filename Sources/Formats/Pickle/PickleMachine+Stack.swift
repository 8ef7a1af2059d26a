extension PickleMachine {
    /// Adds a value to the graph without pushing it.
    mutating func make(_ node: PickleNode) throws -> PickleNodeID {
        budget.nodes -= 1
        guard budget.nodes >= 0 else { throw fail(.pickleLimit, "The pickle builds too many values.") }
        graph.nodes.append(node)
        return PickleNodeID(raw: Int32(graph.nodes.count - 1))
    }

    /// Adds a value to the graph and pushes it.
    mutating func push(_ node: PickleNode) throws {
        stack.append(try make(node))
    }

    /// The top of the stack, above the last mark.
    func top() throws -> PickleNodeID {
        guard stack.count > (marks.last ?? 0), let top = stack.last else { throw underflow() }
        return top
    }

    /// Removes the top of the stack.
    mutating func pop() throws -> PickleNodeID {
        let top = try top()
        stack.removeLast()
        return top
    }

    /// Removes the top `count` values, deepest first.
    mutating func pop(count: Int) throws -> [PickleNodeID] {
        guard stack.count - (marks.last ?? 0) >= count else { throw underflow() }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    /// Removes everything above the last mark, and the mark.
    mutating func popToMark() throws -> [PickleNodeID] {
        guard let mark = marks.popLast() else { throw fail(.pickleStackUnderflow, "There is no open mark.") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    /// POP: right after a mark it removes the mark, as CPython does.
    mutating func popOrUnmark() throws {
        if let mark = marks.last, mark == stack.count {
            marks.removeLast()
        } else {
            _ = try pop()
        }
    }

    /// GET.
    mutating func get(_ id: UInt32) throws {
        guard let node = memo[id] else { throw fail(.pickleMemoMissing, "Memo entry \(id) was never put.") }
        stack.append(node)
    }

    /// PUT.
    mutating func put(_ id: UInt32) throws {
        memo.put(try top(), at: id)
    }

    /// MEMOIZE: the id is the number of entries so far.
    mutating func memoize() throws {
        memo.put(try top(), at: UInt32(clamping: memo.count))
    }

    private func underflow() -> UD2MError {
        fail(.pickleStackUnderflow, "The stack, or the part above the last mark, holds too few values.")
    }
}
