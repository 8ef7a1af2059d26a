import Foundation
import UD2MFormats
import UD2MRuntime
import UD2MSampler

/// A normal prior over grey images whose law no circular shift changes, and its exact denoiser.
///
/// Neighbours are alike: the spectrum falls as (1 + |f|²)^(-3/2), from 133 to 1.
struct StationaryPrior: Denoiser {
    static let height = 6
    static let width = 8
    static let count = height * width
    /// The mean and the variance of every pixel: images hardly leave [-1, 1].
    static let mean = 0.1
    static let variance = 0.05

    /// The variance of every frequency; a flat spectrum would hold the variance of a pixel.
    let spectrum: [Double]
    /// Cov(x).
    let covariance: DenseMatrix
    private let schedule = NoiseSchedule.linear
    private let fourier: FFT2D

    init() throws {
        let (height, width) = (Self.height, Self.width)
        let shape = (0..<Self.count).map { index in
            let (row, column) = (index / width, index % width)
            let square = pow(Double(min(row, height - row)), 2) + pow(Double(min(column, width - column)), 2)
            return pow(1 + square, -1.5)
        }
        let scale = Self.variance * Double(Self.count) / shape.reduce(0, +)
        let spectrum = shape.map { $0 * scale }
        // The covariance of two pixels is the mean of S(f)·cos(2πf·d), d apart.
        let shifts = (0..<Self.count).map { shift in
            let sum = (0..<Self.count).reduce(0) { sum, frequency in
                let turns =
                    Double(frequency / width * (shift / width)) / Double(height)
                    + Double(frequency % width * (shift % width)) / Double(width)
                return sum + spectrum[frequency] * cos(2 * Double.pi * turns)
            }
            return sum / Double(Self.count)
        }
        var covariance = DenseMatrix(rows: Self.count, columns: Self.count)
        for first in 0..<Self.count {
            for second in 0..<Self.count {
                let row = (first / width - second / width + height) % height
                let column = (first % width - second % width + width) % width
                covariance[first, second] = shifts[row * width + column]
            }
        }
        (self.spectrum, self.covariance) = (spectrum, covariance)
        fourier = try FFT2D(rows: height, columns: width)
    }

    /// The discrete Fourier transform of one plane: real and imaginary parts in turn.
    func transform(_ plane: [Double]) throws -> [Double] {
        var complex = plane.flatMap { value -> [Double] in [value, 0] }
        try fourier.forward(&complex)
        return complex
    }

    /// Multiplies every frequency by a real number, the same for f and −f, so that real images stay real: two planes may
    /// be filtered as real and imaginary part of one.
    private func filter(_ planes: inout [Double], _ gains: [Double]) throws {
        try fourier.forward(&planes)
        for index in planes.indices { planes[index] *= gains[index / 2] }
        try fourier.inverse(&planes)
    }

    /// E[ε | x]: at every frequency, x less its mean has the variance ᾱS + 1 − ᾱ.
    func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor {
        let signal = Double(schedule.signalScales[timestep])
        let noise = Double(schedule.noiseScales[timestep])
        let gains = spectrum.map { noise / (signal * signal * $0 + noise * noise) }
        var result = x
        var pair = [Double](repeating: 0, count: 2 * Self.count)
        try result.withMutableValues { values in
            for start in stride(from: 0, to: values.count, by: 2 * Self.count) {
                let end = min(start + 2 * Self.count, values.count)
                for index in start..<end {
                    let (part, pixel) = (index - start).quotientAndRemainder(dividingBy: Self.count)
                    pair[2 * pixel + part] = Double(values[index]) - signal * Self.mean
                }
                try filter(&pair, gains)
                for index in start..<end {
                    let (part, pixel) = (index - start).quotientAndRemainder(dividingBy: Self.count)
                    values[index] = Float(pair[2 * pixel + part])
                }
            }
        }
        return result
    }

    /// Images drawn from the prior.
    func images(_ count: Int, seed: UInt64) throws -> [[Double]] {
        let noise = try Tensor.random([count, 1, Self.height, Self.width], seed: seed).values
        return try (0..<count).map { image in
            var plane = noise[image * Self.count..<(image + 1) * Self.count].flatMap { value -> [Double] in
                [Double(value), 0]
            }
            try filter(&plane, spectrum.map { $0.squareRoot() })
            return (0..<Self.count).map { plane[2 * $0] + Self.mean }
        }
    }
}
