/// Compiles the expressions of ``ModulePattern``, without recursion: groups are on a stack of their own.
struct ModulePatternParser {
    private typealias Step = ModulePattern.Step
    private typealias Unsupported = ModulePattern.Unsupported

    /// An open group: the branches before the last `|`, and the pieces of the branch that is being read.
    private struct Group {
        var branches: [[Step]] = []
        var pieces: [[Step]] = []
        /// Whether the last piece can be repeated.
        var isRepeatable = false
    }

    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var groups = [Group()]

    /// - Throws: ``ModulePattern/Unsupported`` for an expression that is too long.
    init(_ text: String) throws(ModulePattern.Unsupported) {
        scalars = Array(text.unicodeScalars.prefix(ModulePattern.maximumLength + 1))
        guard scalars.count <= ModulePattern.maximumLength else {
            throw Unsupported(reason: "has more than \(ModulePattern.maximumLength) characters")
        }
    }

    /// The steps of the whole expression.
    /// - Throws: ``ModulePattern/Unsupported``.
    mutating func steps() throws(ModulePattern.Unsupported) -> [ModulePattern.Step] {
        while let scalar = take() { try read(scalar) }
        guard groups.count == 1 else { throw Unsupported(reason: "lacks a closing parenthesis") }
        return try closed(groups[0])
    }

    private mutating func take() -> Unicode.Scalar? {
        guard index < scalars.count else { return nil }
        index += 1
        return scalars[index - 1]
    }

    private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func read(_ scalar: Unicode.Scalar) throws(ModulePattern.Unsupported) {
        switch scalar {
        case "(":
            if next == "?" {
                guard index + 1 < scalars.count, scalars[index + 1] == ":" else {
                    throw Unsupported(reason: "has a group of the form (?…)")
                }
                index += 2
            }
            groups.append(Group())
        case ")":
            guard groups.count > 1 else { throw Unsupported(reason: "has a closing parenthesis too many") }
            try append(closed(groups.removeLast()))
        case "|":
            let last = groups.count - 1
            groups[last].branches.append(Array(groups[last].pieces.joined()))
            groups[last].pieces = []
            groups[last].isRepeatable = false
        case "*", "+", "?", "{": try repeatLast(scalar)
        case "[": try append([.character(characterClass())])
        case ".": try append([.character(.any)])
        case "^": try append([.position(.start)], isRepeatable: false)
        case "$": try append([.position(.end)], isRepeatable: false)
        case "\\": try readEscape()
        default: try append([.character(CharacterTest(scalar))])
        }
    }

    private mutating func append(_ piece: [ModulePattern.Step], isRepeatable: Bool = true)
        throws(ModulePattern.Unsupported)
    {
        let last = groups.count - 1
        groups[last].pieces.append(try Self.limited(piece))
        groups[last].isRepeatable = isRepeatable
    }

    private static func limited(_ steps: [ModulePattern.Step]) throws(ModulePattern.Unsupported) -> [ModulePattern.Step]
    {
        guard steps.count <= ModulePattern.maximumSteps else {
            throw Unsupported(reason: "has more than \(ModulePattern.maximumSteps) steps when it is written out")
        }
        return steps
    }

    /// The branches of a group as one piece.
    private func closed(_ group: Group) throws(ModulePattern.Unsupported) -> [ModulePattern.Step] {
        var steps: [ModulePattern.Step] = try Self.limited(Array(group.pieces.joined()))
        for branch in group.branches.reversed() {
            let split = Step.split(1, branch.count + 2)
            steps = try Self.limited([split] + branch + [.jump(steps.count + 1)] + steps)
        }
        return steps
    }

    // MARK: Repetition

    private mutating func repeatLast(_ scalar: Unicode.Scalar) throws(ModulePattern.Unsupported) {
        let last = groups.count - 1
        guard groups[last].isRepeatable, let piece = groups[last].pieces.popLast() else {
            throw Unsupported(reason: "repeats nothing")
        }
        let (least, most): (Int, Int?)
        switch scalar {
        case "*": (least, most) = (0, nil)
        case "+": (least, most) = (1, nil)
        case "?": (least, most) = (0, 1)
        default: (least, most) = try bounds()
        }
        if next == "?" { index += 1 }
        guard next != "+" else { throw Unsupported(reason: "repeats without going back") }
        let star = [.split(1, piece.count + 2)] + piece + [.jump(-piece.count - 1)]
        let option = [.split(1, piece.count + 1)] + piece
        // Before anything is made of a large number.
        guard max(least, most ?? 0) * (piece.count + 1) <= ModulePattern.maximumSteps else {
            throw Unsupported(reason: "has more than \(ModulePattern.maximumSteps) steps when it is written out")
        }
        var steps: [ModulePattern.Step] = []
        for _ in 0..<least { steps += piece }
        if let most {
            for _ in least..<most { steps += option }
        } else {
            steps += star
        }
        try append(steps, isRepeatable: false)
    }

    /// The numbers of `{m}`, `{m,}`, `{,n}` or `{m,n}`, behind the brace.
    private mutating func bounds() throws(ModulePattern.Unsupported) -> (Int, Int?) {
        var parts = [""]
        while let scalar = take(), scalar != "}" {
            if scalar == "," {
                parts.append("")
            } else if ("0"..."9").contains(scalar), parts[parts.count - 1].count < 5 {
                parts[parts.count - 1].unicodeScalars.append(scalar)
            } else {
                throw Unsupported(reason: "has a brace that is no number of times")
            }
        }
        guard scalars[index - 1] == "}", parts.count <= 2, parts != [""], parts != ["", ""] else {
            throw Unsupported(reason: "has a brace that is no number of times")
        }
        let least = Int(parts[0]) ?? 0
        let most = parts.count == 1 ? least : Int(parts[1])
        guard most.map({ $0 >= least }) ?? true else { throw Unsupported(reason: "repeats more than at most") }
        return (least, most)
    }

    // MARK: Characters

    private mutating func readEscape() throws(ModulePattern.Unsupported) {
        guard let scalar = take() else { throw Unsupported(reason: "ends in a backslash") }
        switch scalar {
        case "A": try append([.position(.start)], isRepeatable: false)
        case "Z": try append([.position(.end)], isRepeatable: false)
        case "b": try append([.position(.wordBoundary(true))], isRepeatable: false)
        case "B": try append([.position(.wordBoundary(false))], isRepeatable: false)
        default: try append([.character(CharacterTest([escaped(scalar)]))])
        }
    }

    /// The characters that an escape stands for.
    private func escaped(_ scalar: Unicode.Scalar) throws(ModulePattern.Unsupported) -> CharacterTest.Member {
        switch scalar {
        case "d": return .digit(true)
        case "D": return .digit(false)
        case "w": return .word(true)
        case "W": return .word(false)
        case "s": return .space(true)
        case "S": return .space(false)
        default:
            // Letters and digits behind a backslash mean something else: \1, \n, \u….
            guard scalar.isASCII, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
                throw Unsupported(reason: "has the escape \\\(scalar)")
            }
            return .range(scalar.value...scalar.value)
        }
    }

    /// A class, behind its bracket.
    private mutating func characterClass() throws(ModulePattern.Unsupported) -> CharacterTest {
        var members: [CharacterTest.Member] = []
        var isNegated = false
        if next == "^" {
            isNegated = true
            index += 1
        }
        let start = index
        while let scalar = take() {
            if scalar == "]", index - 1 > start { return CharacterTest(members, isNegated: isNegated) }
            let item = try member(scalar)
            guard case .range(let first) = item else {
                members.append(item)
                continue
            }
            guard next == "-", index + 1 < scalars.count, scalars[index + 1] != "]" else {
                members.append(.range(first))
                continue
            }
            index += 1
            guard let end = take(), case .range(let last) = try member(end), last.lowerBound >= first.lowerBound else {
                throw Unsupported(reason: "has a class with a range that is none")
            }
            members.append(.range(first.lowerBound...last.lowerBound))
        }
        throw Unsupported(reason: "lacks a closing bracket")
    }

    /// A character of a class, or what an escape stands for.
    private mutating func member(_ scalar: Unicode.Scalar) throws(ModulePattern.Unsupported) -> CharacterTest.Member {
        guard scalar == "\\" else { return .range(scalar.value...scalar.value) }
        guard let next = take() else { throw Unsupported(reason: "ends in a backslash") }
        return try escaped(next)
    }
}
