import UD2MFormats

/// The timesteps of the outer loop, noisiest first (`sampler.md` §7.2).
public struct TimeGrid: Sendable, Hashable {
    /// Timesteps in descending order; fine grids may repeat one.
    public let timesteps: [Int]

    /// The number of outer steps, the paper's N.
    public var count: Int { timesteps.count }

    /// Creates a grid from explicit timesteps.
    /// - Throws: `UD2MError` with code `schedule-invalid` unless there is at least one timestep, all lie in
    ///   0 ..< `scheduleLength`, and none is larger than the one before.
    public init(timesteps: [Int], scheduleLength: Int = 1000) throws {
        guard !timesteps.isEmpty, timesteps.allSatisfy({ (0..<scheduleLength).contains($0) }) else {
            throw UD2MError(
                .scheduleInvalid, "The timesteps \(timesteps) do not all lie between 0 and \(scheduleLength - 1).")
        }
        guard zip(timesteps, timesteps.dropFirst()).allSatisfy({ $0 >= $1 }) else {
            throw UD2MError(.scheduleInvalid, "The timesteps \(timesteps) are not in descending order.")
        }
        self.timesteps = timesteps
    }

    /// The grid evenly spaced in t, from the last timestep down to 0: 5 steps of 1000 give 999, 749, 500, 250, 0.
    /// - Throws: `UD2MError` with code `schedule-invalid` unless 1 ≤ `steps` ≤ `scheduleLength` ≤ 1 000 000.
    public static func uniform(steps: Int, scheduleLength: Int = 1000) throws -> TimeGrid {
        guard steps >= 1, steps <= scheduleLength, scheduleLength <= 1_000_000 else {
            throw UD2MError(.scheduleInvalid, "A grid of \(steps) of \(scheduleLength) timesteps cannot be made.")
        }
        let last = Double(scheduleLength - 1)
        return try TimeGrid(
            timesteps: (0..<steps).map { Int((last - last * Double($0) / Double(max(steps - 1, 1))).rounded()) },
            scheduleLength: scheduleLength)
    }

    /// The grid evenly spaced in √t: 3 steps of 1000 give 999, 444, 111.
    ///
    /// Squares are cut to integers, so 10 steps hold 249 and not 250: that is the published grid.
    /// - Throws: `UD2MError` with code `schedule-invalid` unless 1 ≤ `steps` ≤ `scheduleLength` ≤ 1 000 000.
    public static func quadratic(steps: Int, scheduleLength: Int = 1000) throws -> TimeGrid {
        guard scheduleLength <= 1_000_000, steps >= 1, steps <= scheduleLength else {
            throw UD2MError(
                .scheduleInvalid, "A time grid needs between 1 and \(scheduleLength) steps, not \(steps).")
        }
        let step = Double(scheduleLength).squareRoot() / Double(steps)
        var ascending = (1...steps).map { index -> Int in
            let root = Double(index) * step
            return Int(root * root)
        }
        ascending[steps - 1] = scheduleLength - 1
        return try TimeGrid(timesteps: ascending.reversed(), scheduleLength: scheduleLength)
    }
}
