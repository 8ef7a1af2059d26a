import Testing
import UD2MFormats
import UD2MLoRA

@Suite("expressions of PEFT's patterns")
struct ModulePatternTests {
    /// Expression, name, and what Python's `re.match(rf"(.*\\.)?({key})$", name)` says.
    static let cases: [(String, String, Bool)] = [
        ("q_proj", "a.q_proj", true), ("q_proj", "a.xq_proj", false), ("^q_proj", "a.q_proj", false),
        ("^q_proj", "q_proj", true), (".*q", "a.b.q", true), (".*q", "a.b.qk", false), ("a|b", "x.b", true),
        ("a|b", "x.c", false), ("(a|b)\\.c", "x.b.c", true), ("(?:a|b)+", "abba", true), ("(?:a|b)+", "abca", false),
        ("layers\\.[0-3]\\..*", "m.layers.2.q", true), ("layers\\.[0-3]\\..*", "m.layers.12.q", false),
        ("[^.]*", "a.b", true), ("^[^.]*", "a.b", false), ("l\\d{2}", "l12", true), ("l\\d{2}", "l1", false),
        ("l\\d{1,2}", "l12", true), ("l\\d{,2}", "l", true), ("l\\d{2,}", "l1234", true), ("a{0}b", "b", true),
        ("a*?b", "aab", true), ("a?", "x.", true), ("\\w+\\b", "q_proj", true), ("\\w+\\B", "q", false),
        ("[]a]", "]", true),
        ("[a-]", "-", true), ("[\\w-]+", "a-b", true), ("\\Aq\\Z", "q", true), ("a$", "a", true), ("a^b", "ab", false),
        ("(a*)*", "aaa", true), ("()|b", "b", true), ("a|", "x.a", true), ("", "x.", true), ("", "x", false),
        ("\\.", "a.", false), ("é.", "x.éa", true),
    ]

    @Test("fit as Python's do", arguments: cases.indices)
    func fits(_ index: Int) throws {
        let (expression, name, expected) = Self.cases[index]
        #expect(try ModulePattern(expression).fits(name) == expected, "\(expression) \(name)")
    }

    @Test(
        "what is not read is refused",
        arguments: [
            "(?=a)", "(?!a)", "(?i)a", "(?P<n>a)", "(a)\\1", "a**", "a*+", "*a", "(a", "a)", "[a", "a{2", "a{x}",
            "a{3,2}",
            "a{}", "\\n", "a\\", "[b-a]", "^*", "(a{99}){99}", "a{99999}", String(repeating: "a", count: 1001),
        ])
    func refused(_ expression: String) {
        #expect(throws: ModulePattern.Unsupported.self) { try ModulePattern(expression) }
    }

    @Test("expressions that make others run for ever take steps in proportion to the name")
    func bounded() throws {
        let name = String(repeating: "a", count: 2000) + "!"
        for expression in ["(a+)+", "(a|a)*", "(a*)*b", "(.*.*.*)*x", "((a{1,9}){1,9}){1,9}"] {
            #expect(try !ModulePattern(expression).fits(name))
        }
    }
}
