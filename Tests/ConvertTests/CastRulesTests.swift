import Testing
import UD2MConvert
import UD2MFormats

@Suite("Rules for element types")
struct CastRulesTests {
    private let tensors = [
        TensorSource("in.weight", [1, 2]), TensorSource("out.weight", [1]), TensorSource("out.bias", [1]),
        TensorSource("steps", [0, 0, 0, 0, 0, 0, 0, 0], .i64, shape: [1]),
        TensorSource("scale", [0], .f8e4m3, shape: [1]),
    ]

    @Test("the first rule that is found in a name counts; only floating-point tensors change")
    func firstMatch() throws {
        let rules = try CastRules(
            standard: .f16, rules: [(#"^out\.w"#, .f32), ("out", .bf16), ("steps|scale", .f32)])
        let types = try rules.elementTypes(of: tensors)
        #expect(types == ["in.weight": .f16, "out.weight": .f32, "out.bias": .bf16, "steps": .i64, "scale": .f8e4m3])
    }

    @Test("without a type for all, what no rule names stays")
    func rulesOnly() throws {
        let types = try CastRules(standard: nil, rules: [("bias$", .bf16)]).elementTypes(of: tensors)
        #expect(types["out.bias"] == .bf16)
        #expect(types["out.weight"] == .f32)
        #expect(CastRules.none.isEmpty)
    }

    @Test("a rule that is found in no name is an error, one that another hides is none")
    func unmatched() throws {
        let hidden = try CastRules(standard: nil, rules: [("weight", .bf16), ("in.weight", .f16)])
        #expect(try hidden.elementTypes(of: tensors)["in.weight"] == .bf16)
        let misspelt = try CastRules(standard: nil, rules: [("wieght", .bf16)])
        #expect(throws: UD2MError.self) { try misspelt.elementTypes(of: tensors) }
    }

    @Test("patterns that are broken or huge, and types that are no target, are refused")
    func refused() {
        for (pattern, type) in [("(", ElementType.f16), (String(repeating: "a", count: 1025), .f16), ("a", .i8)] {
            #expect(throws: UD2MError.self) { try CastRules(standard: nil, rules: [(pattern, type)]) }
        }
        do {
            _ = try CastRules(standard: .f64, rules: [])
            Issue.record("nothing was thrown")
        } catch let error {
            #expect(error.code == .castRule)
        }
    }

    @Test("tied tensors stay tied unless a rule parts them")
    func aliases() {
        var second = tensors[0]
        second.name = "tied"
        let pair = [tensors[0], second]
        #expect(TensorAliases.among(pair) == ["tied": "in.weight"])
        #expect(TensorAliases.among(pair) { $0.name == "tied" ? .f16 : .f32 } == [:])
        #expect(TensorAliases.among([tensors[1], tensors[2]]) == [:])
    }

    @Test("a view of a part of another tensor is told, a tie and a neighbour are not")
    func partlyShared() {
        let whole = tensors[0]
        var (tied, row, next) = (whole, whole, whole)
        (tied.name, row.name, next.name) = ("tied", "row", "next")
        row.shape = [1]
        row.strides = [1]
        row.elementOffset += whole.elementCount - 1
        next.shape = [1]
        next.strides = [1]
        next.elementOffset += whole.elementCount
        #expect(TensorAliases.partlyShared(among: [tied, row, next, whole]) == ["row"])
        #expect(TensorAliases.remark(on: [whole, tied, next]) == nil)
        #expect(TensorAliases.remark(on: [whole, row])?.hasPrefix("row is a view") == true)
    }
}
