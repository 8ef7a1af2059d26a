import Testing
import UD2MConvert
import UD2MFormats
import UD2MTestSupport

/// Numbers that are NaN or infinite are counted while a conversion streams.
@Suite("Weights that are no numbers")
struct NotFiniteCountTests {
    @Test("both kinds and no others are counted, at any alignment and beyond the loop's blocks")
    func kinds() {
        let doubles: [Double] = [.nan, .infinity, -.infinity, .greatestFiniteMagnitude, -.leastNonzeroMagnitude, 0, -1]
        expect(.f64, doubles.map(\.bitPattern), 3)
        expect(.f32, doubles.map { Float($0).bitPattern }, 4)  // The largest double is an infinite float.
        expect(.f32, [0x7F80_0001, 0xFFFF_FFFF, 0x7F7F_FFFF, 0x8000_0000] as [UInt32], 2)
        expect(.f16, [0x7C00, 0xFC00, 0x7C01, 0xFFFF, 0x7BFF, 0x8000, 0x3C00] as [UInt16], 4)
        expect(.bf16, [0x7F80, 0xFF80, 0x7FC0, 0x7F7F, 0x7C00, 0x8000] as [UInt16], 3)
        expect(.f16, [UInt16](repeating: 0x7E00, count: 200_001), 200_001)
        expect(.i32, [0x7F80_0000] as [UInt32], 0)
    }

    private func expect<Word: FixedWidthInteger>(
        _ type: ElementType, _ words: [Word], _ count: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let bytes = words.withUnsafeBytes { Array($0) }
        #expect(bytes.withUnsafeBytes(type.notFiniteCount) == count, sourceLocation: sourceLocation)
        let shifted = ([0] + bytes).withUnsafeBytes { type.notFiniteCount(UnsafeRawBufferPointer(rebasing: $0[1...])) }
        #expect(shifted == count, sourceLocation: sourceLocation)
    }

    @Test("what only a cast makes infinite is a loss, and not counted again")
    func casts() throws {
        let parameters = FamilyDetectionTests.ddpm.parameters
        let tensors = parameters.map { parameter in
            var floats = [Float](repeating: 0.5, count: parameter.count)
            if parameter.name == "conv_out.bias" { floats = [.nan, 1e6, 0] }
            return TensorSource(parameter.name, floats, shape: parameter.shape)
        }
        let plan = try ConversionPlan(checkpoint: Checkpoint([StateDict(path: [], tensors: tensors)]))
        var options = Converter.Options()
        options.cast = try CastRules(standard: .f16, rules: [])
        let converter = try Converter(plan: plan, options: options, toolVersion: "test")
        let folder = try TemporaryDirectory()
        _ = try converter.write(to: folder.path("out.ud2w"))
        #expect(converter.ledger.entries.map(\.loss.overflows) == [1])
        #expect(converter.ledger.notFinite.map(\.name) == ["conv_out.bias"])
        #expect(converter.ledger.notFinite.map(\.count) == [1])
    }
}
