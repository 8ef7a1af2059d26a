import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler

/// The generator against its published vectors, and the noise made of it.
@Suite struct NoiseSourceTests {
    @Test func philoxMatchesItsPublishedVectors() {
        // The known-answer vectors of Random123 for ten rounds: zeros, ones, digits of π.
        #expect(
            Philox.block(counter: SIMD4(0, 0, 0, 0), key: SIMD2(0, 0))
                == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        #expect(
            Philox.block(counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max))
                == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            Philox.block(
                counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
                key: SIMD2(0xa409_3822, 0x299f_31d0))
                == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    @Test func normalMomentsAreRight() throws {
        let values = try PhiloxNoise(seed: 42).normals(.initialState, sample: 0, shape: [1_000_000]).values
        let count = Double(values.count)
        func moment(_ power: Int) -> Double {
            values.reduce(0) { sum, value in sum + (0..<power).reduce(1) { product, _ in product * Double(value) } }
                / count
        }
        // Four standard errors of each moment: √1, √2, √15, √96 over √n.
        #expect(abs(moment(1)) < 0.004)
        #expect(abs(moment(2) - 1) < 0.0057)
        #expect(abs(moment(3)) < 0.0155)
        #expect(abs(moment(4) - 3) < 0.0392)
        let neighbours = zip(values, values.dropFirst()).reduce(0) { $0 + Double($1.0) * Double($1.1) } / count
        #expect(abs(neighbours) < 0.004)
        let beyondTwo = Double(values.count { abs($0) > 2 }) / count
        #expect(abs(beyondTwo - 0.0455) < 0.0009)
    }

    @Test func uniformsFillTheUnitInterval() throws {
        let values = try PhiloxNoise(seed: 42).uniforms(.mask, sample: 0, shape: [400_000]).values
        #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
        for tenth in 0..<10 {
            let share = values.count { Int($0 * 10) == tenth }
            // 40000 expected, standard deviation 190.
            #expect(abs(share - 40_000) < 800)
        }
    }

    @Test func aDrawDependsOnItsNameOnly() throws {
        let noise = PhiloxNoise(seed: 9, item: 4)
        let first = try noise.normals(.denoising(step: 1, iteration: 2), sample: 3, shape: [1, 3, 5, 7])
        _ = try noise.normals(.initialState, sample: 0, shape: [10])
        let again = try PhiloxNoise(seed: 9, item: 4).normals(
            .denoising(step: 1, iteration: 2), sample: 3, shape: [1, 3, 5, 7])
        #expect(first == again)
        let longer = try noise.normals(.denoising(step: 1, iteration: 2), sample: 3, shape: [200])
        #expect(Array(longer.values.prefix(105)) == first.values)
    }

    @Test func everyPartOfTheNameMatters() throws {
        func values(_ seed: UInt64, _ item: UInt64, _ draw: NoiseDraw, _ sample: UInt32) throws -> [Float] {
            try PhiloxNoise(seed: seed, item: item).normals(draw, sample: sample, shape: [16]).values
        }
        let draws: [NoiseDraw] = [
            .observation, .mask, .initialState, .denoising(step: 0, iteration: 0), .denoising(step: 0, iteration: 1),
            .denoising(step: 1, iteration: 0), .transition(step: 0, part: 0), .transition(step: 0, part: 1),
        ]
        var seen = Set(try draws.map { try values(1, 0, $0, 0) })
        #expect(seen.count == draws.count)
        for other in [
            try values(2, 0, .observation, 0), try values(1 << 40, 0, .observation, 0),
            try values(1, 1, .observation, 0), try values(1, 1 << 40, .observation, 0),
            try values(1, 0, .observation, 1),
        ] { #expect(seen.insert(other).inserted) }
    }

    @Test func refusesANegativeShape() {
        #expect(
            thrownError { _ = try PhiloxNoise(seed: 1).normals(.mask, sample: 0, shape: [-1]) }?.code == .tensorShape)
    }
}
