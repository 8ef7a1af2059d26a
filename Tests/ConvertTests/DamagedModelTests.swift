import Testing
import UD2MConvert
import UD2MFormats

/// A damaged file is compared with the network that it was, not with what its damaged tensors say.
@Suite("Damaged networks")
struct DamagedModelTests {
    typealias Families = FamilyDetectionTests

    @Test("without a whole attention block, what is missing is named and nothing is called unknown")
    func lostAttention() throws {
        var table = try KeyTable("adm_ud2m_MNIST_diffusion")
        let parameters = try #require(try ArchitectureRegistry.detect(table.index)).parameters
        // All of input_blocks.4.1 and the first ten tensors of the block after it.
        let lost = parameters[40..<56]
        #expect(lost.first?.name == "input_blocks.4.1.norm.weight")
        for parameter in lost { table.shapes[parameter.name] = nil }
        let error = try #require(Families.error(table.shapes))
        #expect(error.code == .tensorsMissing)
        #expect(error.closest?.model == "MNIST_diffusion")
        #expect(error.closest?.matched == 260)
        #expect(
            error.mismatches
                == lost.prefix(10).map { TensorMismatch(name: $0.name.text, expected: $0.shape, found: nil) })
        let plan = try KeyTableTests.plan(table.shapes)
        #expect(plan.missing.count == 16 && plan.unmapped.isEmpty)
    }

    @Test("of a published model whole levels of attention may be gone")
    func lostLevel() throws {
        var shapes = try KeyTable("adm_256x256_diffusion_uncond").shapes
        let lost = shapes.keys.filter { name in
            [10, 11].contains { name.hasPrefix("input_blocks.\($0).1.") }
                || (6...8).contains { name.hasPrefix("output_blocks.\($0).1.") }
        }
        #expect(lost.count == 30)
        for name in lost { shapes[name] = nil }
        let plan = try KeyTableTests.plan(shapes)
        #expect(plan.missing.count == lost.count && plan.unmapped.isEmpty && plan.misshapen.isEmpty)
    }

    @Test("in a network of no table, the other blocks of a level say that it attends", arguments: [1, 2])
    func lostAttentionOfUnknown(blocks: Int) throws {
        let configuration = ADMConfiguration(
            imageChannels: 3, inputChannels: 3, outputChannels: 6, modelChannels: 32, levelChannels: [32, 64, 96],
            residualBlocks: blocks, attentionLevels: [1, 2], heads: .channels(32), attentionOrder: .legacy,
            usesScaleShift: true, resampling: .residualBlock, classCount: nil, isSuperResolution: false)
        var shapes = Families.shapes(configuration.parameters)
        let first = "input_blocks.\(blocks + 2)"
        shapes[TensorName("\(first).0.in_layers.2.weight")] = [96, 32, 3, 3]
        let lost = shapes.keys.filter { $0.hasPrefix("\(first).1.") }
        #expect(lost.count == 6)
        for name in lost { shapes[name] = nil }
        let error = try #require(Families.error(shapes, options: DetectionOptions(heads: .channels(32))))
        #expect(error.mismatches.count == 7)
        #expect(
            error.mismatches.first
                == TensorMismatch(
                    name: "\(first).0.in_layers.2.weight", expected: [64, 32, 3, 3], found: [96, 32, 3, 3]))
        #expect(Set(error.mismatches.dropFirst().map(\.name)) == Set(lost.map(\.text)))
    }

    @Test("the misshapen tensor is named, not its neighbours")
    func misshapen() throws {
        var shapes = try KeyTable("adm_ud2m_MNIST_diffusion").shapes
        shapes["out.2.weight"] = [7, 64, 3, 3]
        #expect(
            Families.error(shapes)?.mismatches == [
                TensorMismatch(name: "out.2.weight", expected: [1, 64, 3, 3], found: [7, 64, 3, 3])
            ])
        shapes = Families.shapes(VGGConfiguration(widths: [4, 8, 16, 32, 32]).parameters)
        shapes["features.10.weight"] = [5, 5, 3, 3]
        #expect(
            Families.error(shapes)?.mismatches == [
                TensorMismatch(name: "features.10.weight", expected: [16, 8, 3, 3], found: [5, 5, 3, 3])
            ])
    }

    @Test("a lost convolution of a slim Inception network has the width of its normalisation")
    func slimInception() throws {
        let name = "Mixed_7c.branch_pool.conv.weight"
        let configuration = InceptionConfiguration(widths: Array(1...94), classCount: 63)
        var shapes = Families.shapes(configuration.parameters)
        let shape = shapes.removeValue(forKey: TensorName(name))
        #expect(shape != nil)
        #expect(
            Families.error(shapes)?.mismatches == [TensorMismatch(name: name, expected: shape, found: nil)])
    }

    @Test("a level that is lost on the way up attended as on the way down")
    func lostWayUp() throws {
        var shapes = Families.shapes(Families.ddpm.parameters)
        let lost = shapes.keys.filter { $0.hasPrefix("up.1.") }
        #expect(lost.contains("up.1.attn.0.q.weight"))
        for name in lost { shapes[name] = nil }
        let plan = try KeyTableTests.plan(shapes)
        #expect(Set(plan.missing.map(\.name)) == Set(lost))
        #expect(plan.unmapped.isEmpty)
    }

    @Test("diffusers' old and new attention names may stand in one file, as diffusers reads them")
    func mixedNames() throws {
        let table = try KeyTable("ddpm_diffusers_bedroom256").shapes
        let old = [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")]
        for block in ["mid_block.", "up_blocks.1."] {
            let shapes = table.map { name, shape in
                let text = old.reduce(name.text) { $0.replacing(".\($1.0).", with: ".\($1.1).") }
                return (name.hasPrefix(block) ? TensorName(text) : name, shape)
            }
            let mixed = Dictionary(uniqueKeysWithValues: shapes)
            #expect(mixed != table)
            #expect(try KeyTableTests.plan(mixed).isComplete)
        }
    }
}
