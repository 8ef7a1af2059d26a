import Testing

/// Rules that hold for every file under `Sources`.
@Suite struct SourceRuleTests {
    /// Code words that end the process on bad data, or print from a library.
    private static let traps = ["try!", "as!", "fatalError(", "preconditionFailure("]

    @Test func filesAreShort() throws {
        let files = try SourceFile.all()
        #expect(files.count > 20)
        for file in files where !file.isGenerated {
            #expect(file.lines.count <= 600, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test func nothingTraps() throws {
        for file in try SourceFile.all() where file.path.hasSuffix(".swift") {
            for (number, line) in file.lines.enumerated() {
                let code = Self.withoutComment(line)
                for word in Self.traps where Self.contains(code, word) {
                    Issue.record("\(file.path):\(number + 1) uses \(word)")
                }
            }
        }
    }

    @Test func librariesDoNotPrintOrExit() throws {
        let frontends = ["Commands", "Executables"]
        for file in try SourceFile.all() where file.path.hasSuffix(".swift") {
            if frontends.contains(where: { file.path.hasPrefix($0 + "/") }) { continue }
            for (number, line) in file.lines.enumerated() {
                let code = Self.withoutComment(line)
                for word in ["print(", "debugPrint(", "exit(", "abort("] where Self.contains(code, word) {
                    Issue.record("\(file.path):\(number + 1) uses \(word)")
                }
            }
        }
    }

    @Test(arguments: [
        ("    let a = try! b()", "try!", true), ("// try! b()", "try!", false), ("let a = b as! C", "as!", true),
        ("let a = has!", "as!", false), ("sprint(a)", "print(", false), ("  print(a)", "print(", true),
        ("a.print(b)", "print(", false), ("let u = \"http://a\"; print(u)", "print(", true),
    ])
    func wordsAreFound(_ line: String, _ word: String, _ found: Bool) {
        #expect(Self.contains(Self.withoutComment(line), word) == found)
    }

    /// The line up to a comment; two slashes after a colon are an address.
    private static func withoutComment(_ line: String) -> Substring {
        var from = line.startIndex
        while let slashes = line[from...].firstRange(of: "//") {
            if slashes.lowerBound == line.startIndex || line[line.index(before: slashes.lowerBound)] != ":" {
                return line[..<slashes.lowerBound]
            }
            from = slashes.upperBound
        }
        return line[...]
    }

    /// Whether `word` occurs where no name or member access runs into it from the left.
    private static func contains(_ code: Substring, _ word: String) -> Bool {
        code.ranges(of: word).contains { range in
            guard range.lowerBound > code.startIndex else { return true }
            let before = code[code.index(before: range.lowerBound)]
            return !before.isLetter && !before.isNumber && before != "_" && before != "."
        }
    }
}
