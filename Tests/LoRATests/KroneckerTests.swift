import Testing
import UD2MFormats
import UD2MLinearAlgebra
import UD2MLoRA
import UD2MTestSupport

@Suite("LoKr of convolutions, as the two programs multiply it out")
struct KroneckerTests {
    /// What PEFT 0.21.2 makes of w1 = 1…4 as [2, 2] and w2 = 1…12 as [2, 2, 3] for a convolution [4, 4, 3]
    /// (`get_delta_weight` with `r = alpha = 8`).
    private static let ofPEFT: [Float] = [
        1, 2, 3, 2, 4, 6, 4, 5, 6, 8, 10, 12, 3, 6, 9, 4, 8, 12, 12, 15, 18, 16, 20, 24, 7, 8, 9, 14, 16, 18, 10, 11,
        12,
        20, 22, 24, 21, 24, 27, 28, 32, 36, 30, 33, 36, 40, 44, 48,
    ]

    /// A ⊗ B with A as [2, 2, 1]: LyCORIS' product, and PEFT's of more dimensions.
    private static var usual: [Float] {
        (0..<48).map { index in
            let (row, input, position) = (index / 12, index / 3 % 4, index % 3)
            return Float((row / 2 * 2 + input / 2 + 1) * ((row % 2) * 6 + (input % 2) * 3 + position + 1))
        }
    }

    private func merged(
        _ tensors: [(String, [Int])], kernel: [Int], configuration: String?, pieceBytes: Int = 1 << 18
    ) throws -> [Float] {
        let adapter = try AdapterFixture.adapter(
            tensors.map { name, shape in
                TensorSource(name, (0..<shape.reduce(1, *)).map { Float($0 + 1) }, shape: shape)
            }, configuration: configuration)
        let base = AdapterFixture.base([("line.weight", [4, 4] + kernel, [Float](repeating: 0, count: 48))])
        let binding = try AdapterBinding(adapter, to: base)
        try binding.requireComplete(base: "base", allowUnmatched: false)
        let plan = MergePlan(base: base, adapters: [WeightedAdapter(binding)])
        var values: [Float] = []
        try plan.tensors[0].stream(as: .f32, pieceBytes: pieceBytes) { bytes in
            values += stride(from: 0, to: bytes.count, by: 4).map {
                bytes.loadUnaligned(fromByteOffset: $0, as: Float.self)
            }
        }
        return values
    }

    private static let configuration = #"{"peft_type": "LOKR", "r": 8, "alpha": 8}"#

    @Test("PEFT's one-dimensional convolutions have PEFT's own order, in pieces too", arguments: [12, 20, 1 << 18])
    func line(_ pieceBytes: Int) throws {
        let prefix = "base_model.model.line."
        let found = try merged(
            [(prefix + "lokr_w1", [2, 2]), (prefix + "lokr_w2", [2, 2, 3])], kernel: [3],
            configuration: Self.configuration, pieceBytes: pieceBytes)
        #expect(found == Self.ofPEFT)
        #expect(Self.ofPEFT != Self.usual)
    }

    @Test("two-dimensional convolutions, and LyCORIS' of one dimension, have the usual product")
    func others() throws {
        let prefix = "base_model.model.line."
        #expect(
            try merged(
                [(prefix + "lokr_w1", [2, 2]), (prefix + "lokr_w2", [2, 2, 3, 1])], kernel: [3, 1],
                configuration: Self.configuration) == Self.usual)
        #expect(
            try merged(
                [("lora_unet_line.lokr_w1", [2, 2]), ("lora_unet_line.lokr_w2", [2, 2, 3])], kernel: [3],
                configuration: nil) == Self.usual)
    }

    @Test("factors of PEFT's right side, and its Tucker core, have the usual product")
    func factors() throws {
        let prefix = "base_model.model.line."
        let configuration = #"{"peft_type": "LOKR", "r": 1, "alpha": 1}"#
        let factored = try merged(
            [(prefix + "lokr_w1", [2, 2]), (prefix + "lokr_w2_a", [2, 1]), (prefix + "lokr_w2_b", [1, 6])], kernel: [3],
            configuration: configuration)
        let core = try merged(
            [
                (prefix + "lokr_w1", [2, 2]), (prefix + "lokr_t2", [1, 1, 3, 1]), (prefix + "lokr_w2_a", [1, 2]),
                (prefix + "lokr_w2_b", [1, 2]),
            ], kernel: [3], configuration: configuration)
        for index in 0..<48 {
            let (row, input, position) = (index / 12, index / 3 % 4, index % 3)
            let left = Float(row / 2 * 2 + input / 2 + 1)
            #expect(factored[index] == left * Float((row % 2 + 1) * (input % 2 * 3 + position + 1)))
            #expect(core[index] == left * Float((row % 2 + 1) * (input % 2 + 1) * (position + 1)))
        }
    }

    @Test("what is decomposed of it is what is merged")
    func decomposed() throws {
        let prefix = "base_model.model.line."
        let adapter = try AdapterFixture.adapter(
            [(prefix + "lokr_w1", [2, 2]), (prefix + "lokr_w2", [2, 2, 3])].map { name, shape in
                TensorSource(name, (0..<shape.reduce(1, *)).map { Float($0 + 1) }, shape: shape)
            }, configuration: Self.configuration)
        let resized = try adapter.resized(to: .each(.rank(4))).adapter
        let base = AdapterFixture.base([("line.weight", [4, 4, 3], [Float](repeating: 0, count: 48))])
        let found = try #require(try AdapterFixture.merge([(resized, 1)], into: base)["line.weight"])
        // Singular values of up to 150 in single precision.
        for (a, b) in zip(found, Self.ofPEFT) { #expect(abs(a - b) <= 1e-3) }
    }
}
