/// A convolution unit of Inception-v3: a convolution without bias, batch normalisation and a ReLU (`networks.md` §5).
public struct InceptionUnit: Sendable, Hashable {
    /// The name in the state dict, such as `"Mixed_5b.branch1x1"`.
    public let name: String
    /// The block it belongs to: `"Mixed_5b"`; a unit of the stem is a block of its own.
    public let block: String
    /// Height and width of the kernel.
    public let kernel: [Int]
    /// The unit of the same block whose output it reads; nil for the output of the block before.
    public let input: String?
    /// Whether its output is part of the block's.
    public let isOutput: Bool

    /// Every unit in the order of the state dict.
    public static let all: [InceptionUnit] = {
        let stem = [("1a", 3), ("2a", 3), ("2b", 3), ("3b", 1), ("4a", 3)].map { index, side in
            let name = "Conv2d_\(index)_\(side)x\(side)"
            return InceptionUnit(name: name, block: name, kernel: [side, side], input: nil, isOutput: true)
        }
        return stem + mixed.flatMap { block, branches in branches.flatMap { units(of: block, $0) } }
    }()

    /// The blocks in order.
    public static let blocks: [String] = all.reduce(into: []) { list, unit in
        if list.last != unit.block { list.append(unit.block) }
    }

    /// Blocks whose output ends with their pooled input.
    public static let poolingBlocks: Set<String> = ["Mixed_6a", "Mixed_7a"]

    /// A chain of units; the last ones that share an input are outputs side by side.
    private struct Branch {
        let name: String
        let steps: [(suffix: String, kernel: [Int])]

        init(_ name: String, _ steps: [(String, [Int])]) {
            self.name = name
            self.steps = steps.map { (suffix: $0.0, kernel: $0.1) }
        }
    }

    private static let square = (one: [1, 1], three: [3, 3], five: [5, 5])
    private static let wide = [1, 7]
    private static let tall = [7, 1]

    private static let typeA = [
        Branch("branch1x1", [("", square.one)]),
        Branch("branch5x5", [("_1", square.one), ("_2", square.five)]),
        Branch("branch3x3dbl", [("_1", square.one), ("_2", square.three), ("_3", square.three)]),
        Branch("branch_pool", [("", square.one)]),
    ]
    private static let typeB = [
        Branch("branch3x3", [("", square.three)]),
        Branch("branch3x3dbl", [("_1", square.one), ("_2", square.three), ("_3", square.three)]),
    ]
    private static let typeC = [
        Branch("branch1x1", [("", square.one)]),
        Branch("branch7x7", [("_1", square.one), ("_2", wide), ("_3", tall)]),
        Branch("branch7x7dbl", [("_1", square.one), ("_2", tall), ("_3", wide), ("_4", tall), ("_5", wide)]),
        Branch("branch_pool", [("", square.one)]),
    ]
    private static let typeD = [
        Branch("branch3x3", [("_1", square.one), ("_2", square.three)]),
        Branch("branch7x7x3", [("_1", square.one), ("_2", wide), ("_3", tall), ("_4", square.three)]),
    ]
    private static let typeE = [
        Branch("branch1x1", [("", square.one)]),
        Branch("branch3x3", [("_1", square.one), ("_2a", [1, 3]), ("_2b", [3, 1])]),
        Branch(
            "branch3x3dbl", [("_1", square.one), ("_2", square.three), ("_3a", [1, 3]), ("_3b", [3, 1])]),
        Branch("branch_pool", [("", square.one)]),
    ]
    private static let mixed: [(String, [Branch])] = [
        ("Mixed_5b", typeA), ("Mixed_5c", typeA), ("Mixed_5d", typeA), ("Mixed_6a", typeB), ("Mixed_6b", typeC),
        ("Mixed_6c", typeC), ("Mixed_6d", typeC), ("Mixed_6e", typeC), ("Mixed_7a", typeD), ("Mixed_7b", typeE),
        ("Mixed_7c", typeE),
    ]

    private static func units(of block: String, _ branch: Branch) -> [InceptionUnit] {
        // `_2a` and `_2b` read the same unit, the one before both.
        let isSplit = branch.steps.last?.suffix.hasSuffix("b") ?? false
        let outputs = isSplit ? 2 : 1
        return branch.steps.enumerated().map { index, step in
            let isOutput = index >= branch.steps.count - outputs
            let before = isOutput ? branch.steps.count - outputs - 1 : index - 1
            return InceptionUnit(
                name: "\(block).\(branch.name)\(step.suffix)", block: block, kernel: step.kernel,
                input: before < 0 ? nil : "\(block).\(branch.name)\(branch.steps[before].suffix)",
                isOutput: isOutput)
        }
    }
}
