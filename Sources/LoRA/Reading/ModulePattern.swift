import UD2MFormats

/// A key of PEFT's `rank_pattern` and `alpha_pattern`: a regular expression for a module's whole name, or for its end
/// behind a dot (`re.match(rf"(.*\.)?({key})$", name)`).
///
/// A stranger's expression must not run for ever, so that this is no backtracking matcher: the places where it can be are
/// followed all at once, at most ``maximumSteps`` for each character of a name. What it reads is what such keys use:
/// characters, `.`, classes, groups, `|`, `*`, `+`, `?`, `{m,n}`, lazy ones too, `^`, `$`, `\A`, `\Z`, `\b`, `\d`, `\w`, `\s`
/// and their opposites. Look-around, back-references, named groups and inline flags are refused.
package struct ModulePattern: Sendable {
    /// Characters of an expression.
    static let maximumLength = 1000
    /// Steps of a compiled expression; `{m,n}` repeats its steps.
    static let maximumSteps = 4096

    /// Why an expression is not read, as the end of a sentence.
    package struct Unsupported: Error {
        let reason: String
    }

    /// One step; jumps are relative.
    enum Step: Sendable {
        case character(CharacterTest)
        case split(Int, Int)
        case jump(Int)
        case position(Anchor)
    }

    /// What must be true of a place between characters.
    enum Anchor: Sendable {
        case start
        case end
        case wordBoundary(Bool)
    }

    private let steps: [Step]
    /// How many steps it has.
    var stepCount: Int { steps.count }

    /// Compiles an expression.
    /// - Throws: ``Unsupported``.
    package init(_ text: String) throws(Unsupported) {
        var parser = try ModulePatternParser(text)
        steps = try parser.steps()
    }

    /// Whether the expression is the whole name, or its end behind a dot.
    package func fits(_ name: String) -> Bool {
        let scalars = Array(name.unicodeScalars)
        var places = PlaceSet(count: steps.count + 1)
        var next = PlaceSet(count: steps.count + 1)
        for index in 0...scalars.count {
            if index == 0 || scalars[index - 1] == "." { follow(0, at: index, scalars, into: &places) }
            guard index < scalars.count else { break }
            next.removeAll()
            for place in places.members {
                guard place < steps.count, case .character(let test) = steps[place], test.matches(scalars[index])
                else { continue }
                follow(place + 1, at: index + 1, scalars, into: &next)
            }
            swap(&places, &next)
        }
        return places.contains(steps.count)
    }

    /// Adds a step and all that can be reached from it without a character.
    private func follow(_ start: Int, at index: Int, _ scalars: [Unicode.Scalar], into places: inout PlaceSet) {
        var open = [start]
        while let place = open.popLast() {
            guard places.insert(place), place < steps.count else { continue }
            switch steps[place] {
            case .character: break
            case .jump(let distance): open.append(place + distance)
            case .split(let first, let second): open += [place + second, place + first]
            case .position(let anchor): if Self.holds(anchor, at: index, scalars) { open.append(place + 1) }
            }
        }
    }

    private static func holds(_ anchor: Anchor, at index: Int, _ scalars: [Unicode.Scalar]) -> Bool {
        switch anchor {
        case .start: return index == 0
        case .end: return index == scalars.count
        case .wordBoundary(let isWanted):
            let before = index > 0 && CharacterTest.word(scalars[index - 1])
            let after = index < scalars.count && CharacterTest.word(scalars[index])
            return (before != after) == isWanted
        }
    }

    /// Steps that can be next, each once.
    private struct PlaceSet {
        private(set) var members: [Int] = []
        private var isMember: [Bool]

        init(count: Int) { isMember = [Bool](repeating: false, count: count) }

        func contains(_ place: Int) -> Bool { isMember[place] }

        /// Adds a step; false when it is in already.
        mutating func insert(_ place: Int) -> Bool {
            guard !isMember[place] else { return false }
            isMember[place] = true
            members.append(place)
            return true
        }

        mutating func removeAll() {
            for place in members { isMember[place] = false }
            members.removeAll(keepingCapacity: true)
        }
    }
}

/// What a single character of a name must be.
struct CharacterTest: Sendable {
    /// Part of a class.
    enum Member: Sendable {
        case range(ClosedRange<UInt32>)
        /// `\d`, `\w` or `\s`, or with false the opposite.
        case digit(Bool)
        case word(Bool)
        case space(Bool)
    }

    private let members: [Member]
    private let isNegated: Bool

    init(_ members: [Member], isNegated: Bool = false) {
        self.members = members
        self.isNegated = isNegated
    }

    init(_ scalar: Unicode.Scalar) { self.init([.range(scalar.value...scalar.value)]) }

    /// `.`: anything but the end of a line.
    static let any = CharacterTest([.range(10...10)], isNegated: true)

    func matches(_ scalar: Unicode.Scalar) -> Bool {
        let isIn = members.contains { member in
            switch member {
            case .range(let range): range.contains(scalar.value)
            case .digit(let isWanted): (scalar.properties.generalCategory == .decimalNumber) == isWanted
            case .word(let isWanted): Self.word(scalar) == isWanted
            case .space(let isWanted): scalar.properties.isWhitespace == isWanted
            }
        }
        return isIn != isNegated
    }

    /// Whether a character is of a word, as `\w` means it.
    static func word(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }
}
