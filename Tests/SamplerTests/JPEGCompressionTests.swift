import Foundation
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// JPEG against the reference, libjpeg's tables and the definition of a gradient.
@Suite struct JPEGCompressionTests {
    @Test func tablesEqualThoseOfLibjpeg() throws {
        let golden = try Golden("operators/jpeg_tables.safetensors")["tables"]
        #expect(golden.shape == [100, 2, 64])
        for quality in 1...100 {
            let tables = try JPEGTables(quality: quality)
            let start = (quality - 1) * 128
            #expect(tables.luma.map { Float($0) } == Array(golden.values[start..<start + 64]))
            #expect(tables.chroma.map { Float($0) } == Array(golden.values[start + 64..<start + 128]))
        }
    }

    @Test(arguments: [10, 50, 90]) func theCodecEqualsTheReference(quality: Int) throws {
        let golden = try GoldenTensors("operators/forward.io.safetensors")
        let codec = try JPEGCompression(quality: quality, height: 32, width: 32)
        let decoded = try codec.apply(Tensor(golden["x"]))
        // Rounded coefficients are equal; the reference then works in float32.
        let expected = try golden["jpeg/qf\(quality)/decoded"].values
        #expect(largestDifference(decoded.values.map { Double($0) }, expected) < 1e-6)
    }

    private static func objective(_ golden: GoldenTensors) throws -> ProximalObjective {
        let scalars = try golden["scalars"].values
        // The file's own remark: its steps were taken with σ = 0.02.
        return try ProximalObjective(
            observation: Tensor(golden["y"]), noiseLevel: 0.02, dataWeight: scalars[3], state: Tensor(golden["x_t"]),
            stateScale: scalars[1].squareRoot(), stateNoiseLevel: scalars[0], anchor: Tensor(golden["s"]),
            stepSize: scalars[2] * scalars[2])
    }

    @Test func theProximalStepEqualsTheReference() throws {
        let golden = try GoldenTensors("operators/jpeg_qf10.io.safetensors")
        let codec = try JPEGCompression(quality: 10, height: 16, width: 16, steps: 10, learningRate: 0.01)
        let objective = try Self.objective(golden)
        let compressed = try codec.apply(objective.anchor)
        #expect(
            largestDifference(compressed.values.map { Double($0) }, try golden["jpeg_of_s"].values) < 1e-6)
        let residual = try Tensor(
            shape: compressed.shape,
            values: zip(compressed.values, objective.observation.values).map { $0 - $1 })
        let gradient = try codec.adjoint(residual)
        // Sums of four float32 differences of up to 4.
        #expect(
            largestDifference(gradient.values.map { Double($0) }, try golden["ste_grad_of_s"].values) < 3e-6)
        let step = try codec.proximalStep(objective)
        let difference = largestDifference(
            step.values.map { Double($0) }, try golden["recommended_adam10_ste"].values)
        #expect(difference < 3e-6, "\(difference)")
    }

    @Test(arguments: [(16, 32, 3), (9, 21, 3), (17, 5, 1), (1, 1, 3)])
    func theAdjointIsTheTransposeOfTheUnroundedCodec(height: Int, width: Int, channels: Int) throws {
        let codec = try JPEGCompression(quality: 30, height: height, width: width)
        let count = channels * height * width
        let shape = [1, channels, height, width]
        let x = try Tensor.random(shape, seed: 1)
        let y = try Tensor.random(shape, seed: 2)
        // The unrounded codec is the linear map plus a constant.
        let zero = codec.decoded([Double](repeating: 0, count: count), channels: channels, rounds: false)
        let image = codec.decoded(x.values.map { Double($0) }, channels: channels, rounds: false)
        let left = zip(zip(image, zero).map { $0 - $1 }, y.values).reduce(0) { $0 + $1.0 * Double($1.1) }
        let right = inner(x, try codec.adjoint(y))
        #expect(abs(left - right) < 1e-5 * Double(count))
    }

    @Test(arguments: [(16, 16, 3), (7, 11, 1), (10, 9, 3)])
    func theGradientEqualsFiniteDifferences(height: Int, width: Int, channels: Int) throws {
        let codec = try JPEGCompression(quality: 20, height: height, width: width)
        let shape = [1, channels, height, width]
        let objective = try ProximalObjective(
            observation: Tensor.random(shape, seed: 3), noiseLevel: 0.2, dataWeight: 0.7,
            state: Tensor.random(shape, seed: 4), stateScale: 0.6, stateNoiseLevel: 1.3,
            anchor: Tensor.random(shape, seed: 5), stepSize: 0.05)
        func value(_ image: [Double]) -> Double {
            var total = 0.0
            let decoded = codec.decoded(image, channels: channels, rounds: false)
            for index in image.indices {
                let misfit = decoded[index] - Double(objective.observation.values[index])
                let toState = image[index] - Double(objective.state.values[index]) / 0.6
                let toAnchor = image[index] - Double(objective.anchor.values[index])
                total += misfit * misfit / (2 * 0.7 * 0.04) + toState * toState / (2 * 1.69)
                total += toAnchor * toAnchor / (2 * 0.05)
            }
            return total
        }
        let image = try Tensor.random(shape, seed: 6).values.map { Double($0) }
        let gradient = codec.gradient(of: objective, at: image, channels: channels, rounds: false)
        for index in stride(from: 0, to: image.count, by: 5) {
            var (more, less) = (image, image)
            more[index] += 1e-4
            less[index] -= 1e-4
            // Central differences of a quadratic are exact; what is left is rounding of values near 1e5.
            let slope = (value(more) - value(less)) / 2e-4
            #expect(abs(slope - gradient[index]) < 1e-4)
        }
    }

    @Test func anyStepsTowardsTheObservationLowerTheObjective() throws {
        let golden = try GoldenTensors("operators/jpeg_qf10.io.safetensors")
        let objective = try Self.objective(golden)
        func misfit(_ image: Tensor) throws -> Double {
            let codec = try JPEGCompression(quality: 10, height: 16, width: 16)
            return zip(try codec.apply(image).values, objective.observation.values)
                .reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        }
        let before = try misfit(objective.anchor)
        for steps in [3, 10, 30] {
            let codec = try JPEGCompression(quality: 10, height: 16, width: 16, steps: steps)
            #expect(try misfit(codec.proximalStep(objective)) < before)
        }
    }

    @Test(arguments: [5, 20, 60]) func theProximalStepFitsTheObservation(quality: Int) throws {
        // Waves of two frequencies, and a start that a denoiser might give: without the finer one.
        let codec = try JPEGCompression(quality: quality, height: 16, width: 32)
        func waves(_ fine: Double) throws -> Tensor {
            try Tensor(
                shape: [1, 3, 16, 32],
                values: (0..<1536).map { index in
                    let (row, column) = (Double(index / 32 % 16), Double(index % 32))
                    return Float(0.5 * sin(0.3 * row + 0.2 * column) + fine * sin(1.7 * column - 0.9 * row))
                })
        }
        let observation = try codec.apply(waves(0.3))
        let anchor = try waves(0.05)
        let variance = codec.tables.typicalError * codec.tables.typicalError / 4
        let objective = try ProximalObjective(
            observation: observation, noiseLevel: 0.002, dataWeight: variance / 4e-6, state: anchor, stateScale: 1,
            stateNoiseLevel: 100, anchor: anchor, stepSize: 0.04)
        func misfit(_ image: Tensor) throws -> Double {
            zip(try codec.apply(image).values, observation.values)
                .reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        }
        func value(_ image: Tensor) throws -> Double {
            let distance = zip(image.values, anchor.values).reduce(0.0) {
                $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
            }
            return try misfit(image) / (2 * variance) + distance / (2 * 0.04)
        }
        let step = try codec.proximalStep(objective)
        #expect(try value(step) < value(anchor) / 2)
        #expect(try misfit(step) < misfit(anchor) / 4)
    }

    @Test(arguments: [5, 30]) func compressingAgainTakesWeakNoiseAway(quality: Int) throws {
        let codec = try JPEGCompression(quality: quality, height: 16, width: 32)
        let decoded = try codec.apply(Tensor.random([1, 3, 16, 32], seed: 8))
        let noise = try Tensor.random([1, 3, 16, 32], seed: 9)
        let noisy = try Tensor(
            shape: decoded.shape, values: zip(decoded.values, noise.values).map { $0 + 0.002 * $1 })
        let prepared = try codec.prepared(noisy)
        #expect(largestDifference(prepared.values.map { Double($0) }, decoded.values.map { Double($0) }) < 1e-5)
    }

    @Test func noiseSurvivesRoundingWhereItIsStrong() throws {
        // Divisors of one level, 1/127.5: rounding adds a twelfth of their square to strong noise.
        let fine = try JPEGTables(quality: 100)
        let step = 1 / 127.5
        #expect(abs(fine.survivingVariance(noiseLevel: 0.1) / (0.01 + step * step / 12) - 1) < 1e-6)
        #expect(fine.survivingVariance(noiseLevel: 0.0002) < 1e-12)
        let coarse = try JPEGTables(quality: 10)
        #expect(coarse.survivingVariance(noiseLevel: 0.05) < 0.05 * 0.0025)
        #expect(coarse.survivingVariance(noiseLevel: 1) > 0.9)
    }

    @Test func greyImagesAreBrightnessAlone() throws {
        let codec = try JPEGCompression(quality: 40, height: 13, width: 22)
        let grey = try Tensor.random([2, 1, 13, 22], seed: 7)
        let colour = try Tensor(
            shape: [2, 3, 13, 22],
            values: (0..<2).flatMap { image in
                (0..<3).flatMap { _ in Array(grey.values[image * 286..<(image + 1) * 286]) }
            })
        let single = try codec.apply(grey).values
        let triple = try codec.apply(colour).values
        for image in 0..<2 {
            let alone = single[image * 286..<(image + 1) * 286].map { Double($0) }
            let red = triple[image * 858..<image * 858 + 286].map { Double($0) }
            #expect(largestDifference(alone, red) < 1e-6)
        }
    }

    @Test(arguments: [0, -1, 101]) func refusesQualitiesThatDoNotExist(quality: Int) {
        let error = thrownError { _ = try JPEGCompression(quality: quality, height: 8, width: 8) }
        #expect(error?.code == .operatorParameter)
    }

    @Test func refusesStepsAndChannels() throws {
        for (steps, rate) in [(2, 0.01), (3, 0), (3, .nan), (3, 2)] {
            let error = thrownError {
                _ = try JPEGCompression(quality: 10, height: 8, width: 8, steps: steps, learningRate: rate)
            }
            #expect(error?.code == .operatorParameter)
        }
        let codec = try JPEGCompression(quality: 10, height: 8, width: 8)
        let error = thrownError { _ = try codec.apply(Tensor(shape: [1, 2, 8, 8], repeating: 0)) }
        #expect(error?.code == .operatorShape && error?.location.tensor == "image")
    }
}
