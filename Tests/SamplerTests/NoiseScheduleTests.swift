import Foundation
import Testing
import UD2MFormats
import UD2MSampler
import UD2MTestSupport

/// Schedules and time grids against the reference's tables.
@Suite struct NoiseScheduleTests {
    @Test func linearTablesMatch() throws {
        let golden = try GoldenTensors("sampler/schedule.safetensors")
        let schedule = NoiseSchedule.linear
        #expect(schedule.count == 1000)
        #expect(try schedule.betas == golden["betas"].floats)
        #expect(try schedule.cumulativeAlphas == golden["alphas_cumprod"].floats)
        // Here the square roots are rounded correctly; the reference's vectorised ones are off by up to 1 ulp, and
        // their quotient by up to 3.
        #expect(try largestSteps(schedule.signalScales, golden["sqrt_alphas_cumprod"].floats) <= 1)
        #expect(try largestSteps(schedule.noiseScales, golden["sqrt_1m_alphas_cumprod"].floats) <= 1)
        #expect(try largestSteps(schedule.sigmas, golden["sigmas"].floats) <= 3)
    }

    @Test func cosineTablesMatch() throws {
        let golden = try GoldenTensors("sampler/schedule_cosine.safetensors")
        let schedule = NoiseSchedule.cosine
        #expect(try schedule.betas == golden["betas"].floats)
        #expect(try schedule.cumulativeAlphas == golden["alphas_cumprod"].floats)
        let sigmas = try golden["sigmas"].floats
        #expect(sigmas.count == 998)
        #expect(largestSteps(Array(schedule.sigmas.prefix(998)), sigmas) <= 3)
    }

    @Test func nearestTimestepFindsTheClosestSigma() {
        let schedule = NoiseSchedule.linear
        #expect(schedule.nearestTimestep(sigma: 0) == 0)
        #expect(schedule.nearestTimestep(sigma: 1e9) == 999)
        #expect(schedule.nearestTimestep(sigma: 0.05) == 11)
        for timestep in [0, 1, 17, 500, 999] {
            #expect(schedule.nearestTimestep(sigma: Double(schedule.sigmas[timestep])) == timestep)
        }
        let middle = (Double(schedule.sigmas[7]) + Double(schedule.sigmas[8])) / 2
        #expect(schedule.nearestTimestep(sigma: middle - 1e-7) == 7)
        #expect(schedule.nearestTimestep(sigma: middle + 1e-7) == 8)
    }

    @Test(arguments: [[], [0], [1], [0.5, -0.1], [Float.nan]]) func refusesImpossibleVariances(betas: [Float]) {
        #expect(thrownError { _ = try NoiseSchedule(betas: betas) }?.code == .scheduleInvalid)
    }

    @Test func gridsMatchTheReference() throws {
        let url = GoldenTensors.fixture("sampler/seq.json")
        let table = try JSONDecoder().decode([String: [Int]].self, from: Data(contentsOf: url))
        #expect(table.count == 13)
        for (steps, timesteps) in table {
            #expect(try TimeGrid.quadratic(steps: #require(Int(steps))).timesteps == timesteps)
        }
    }

    @Test(arguments: [0, -1, 1001]) func refusesImpossibleStepCounts(steps: Int) {
        #expect(thrownError { _ = try TimeGrid.quadratic(steps: steps) }?.code == .scheduleInvalid)
    }

    @Test(arguments: [[], [1000], [-1], [100, 200]]) func refusesImpossibleGrids(timesteps: [Int]) {
        #expect(thrownError { _ = try TimeGrid(timesteps: timesteps) }?.code == .scheduleInvalid)
    }

    /// The largest distance in representable float32 numbers of two positive sequences.
    private func largestSteps(_ first: [Float], _ second: [Float]) -> Int {
        guard first.count == second.count else { return .max }
        return zip(first, second).map { abs(Int($0.bitPattern) - Int($1.bitPattern)) }.max() ?? 0
    }
}
