import Foundation
import Testing
import UD2MConvert
import UD2MFormats
import UD2MTestSupport

/// Tensors of LPIPS files that the store leaves out must hold what they are known to hold.
@Suite("LPIPS constants")
struct LPIPSConstantsTests {
    static let lpips = LPIPSConfiguration(trunk: .vgg16(VGGConfiguration(widths: [1, 2, 3, 4, 5])), version: .v0_1)
    static let scaling: [(String, [Float])] = [
        ("scaling_layer.shift", [-0.030, -0.088, -0.188]), ("scaling_layer.scale", [0.458, 0.448, 0.450]),
    ]

    /// A whole file: the trunk in torchvision's names, linear layers twice, and a scaling layer.
    private func plan(_ changes: [String: [Float]] = [:], without lost: Set<String> = []) throws -> ConversionPlan {
        var tensors: [(name: String, values: [Float], shape: [Int])] = []
        for parameter in Self.lpips.parameters {
            let name = parameter.name.text
            let values = PortableWeights.weight(case: "constants", tensor: name, shape: parameter.shape)
            tensors.append((name, values, parameter.shape))
            guard name.hasPrefix("lin") else { continue }
            tensors.append(("lins.\(name.dropFirst(3))", values, parameter.shape))
        }
        tensors += Self.scaling.map { ($0.0, $0.1, [1, 3, 1, 1]) }
        let sources = tensors.compactMap { name, values, shape -> TensorSource? in
            lost.contains(name) ? nil : TensorSource(TensorName(name), changes[name] ?? values, shape: shape)
        }
        return try ConversionPlan(checkpoint: Checkpoint([StateDict(path: [], tensors: sources)]))
    }

    @Test("a file as it is published passes, whole and without its scaling layer, which is noted")
    func published() throws {
        let whole = try plan()
        try whole.requireComplete()
        #expect(whole.choice.architecture.notes.isEmpty)
        let without = try plan(without: Set(Self.scaling.map(\.0)))
        try without.requireComplete()
        #expect(without.choice.architecture.notes.count == 1)
    }

    @Test(
        "other values are refused with the tensor's name",
        arguments: ["scaling_layer.shift", "scaling_layer.scale", "lins.0.model.1.weight", "lins.4.model.1.weight"])
    func changed(_ name: String) throws {
        let count = name.hasPrefix("lins.0") ? 1 : name.hasPrefix("lins.4") ? 5 : 3
        let plan = try plan([name: [Float](repeating: 0.46, count: count)])
        #expect(plan.isComplete)
        let error = #expect(throws: UD2MError.self) { try plan.requireComplete() }
        #expect(error?.code == .tensorNotConstant)
        #expect(error?.location.tensor == name)
    }
}
