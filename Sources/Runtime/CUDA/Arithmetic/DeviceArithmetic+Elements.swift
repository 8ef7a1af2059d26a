import CUD2MCUDA
import UD2MFormats

/// A sum of two images of one shape with weights, formed in double precision while a kernel reads it.
package struct DeviceMix {
    let first: DeviceTensor
    let firstWeight: Double
    let second: DeviceTensor?
    let secondWeight: Double

    /// firstWeight·first + secondWeight·second.
    package init(
        _ first: DeviceTensor, _ firstWeight: Double = 1, _ second: DeviceTensor? = nil, _ secondWeight: Double = 0
    ) throws {
        try DeviceArithmetic.require(
            second == nil || second?.shape == first.shape,
            "Images of \(first.shape) and \(second?.shape ?? []) cannot be added.")
        (self.first, self.firstWeight, self.second, self.secondWeight) = (first, firstWeight, second, secondWeight)
    }

    package var shape: [Int] { first.shape }
}

/// A draw of the Philox 4×32-10 generator: its key, and what its counter holds besides the number of a block of four values.
package struct DeviceDraw: Sendable {
    let key: SIMD2<UInt32>
    let position, kind, sample: UInt32

    package init(key: SIMD2<UInt32>, position: UInt32, kind: UInt32, sample: UInt32) {
        (self.key, self.position, self.kind, self.sample) = (key, position, kind, sample)
    }
}

/// Arithmetic element by element, in double precision rounded once as on the CPU.
extension DeviceArithmetic {
    /// A weighted sum; limited to [-1, 1] after rounding where asked for.
    package func sum(_ mix: DeviceMix, isClamped: Bool = false) throws -> DeviceTensor {
        try context.run { [self] in
            let output = try tensor(mix.shape)
            try launch(
                "combine", Self.grid(output.count),
                ud2m_cuda_combine(
                    left: mix.first.elements, right: mix.second?.elements, output: output.floats,
                    left_scale: mix.firstWeight, right_scale: mix.secondWeight, count: Self.number(output.count),
                    is_clamped: isClamped ? 1 : 0))
            return output
        }
    }

    /// Standard normal values of a shape, those of `PhiloxNoise` but for the last place of about one in 10⁸.
    package func normals(_ draw: DeviceDraw, shape: [Int]) throws -> DeviceTensor {
        try noise(draw, weight: 1, adding: nil, 0, shape: shape)
    }

    /// imageWeight·image + weight·n with the standard normal values n of a draw.
    package func noisy(
        _ image: DeviceTensor, _ imageWeight: Double, _ draw: DeviceDraw, _ weight: Double
    ) throws -> DeviceTensor {
        try noise(draw, weight: weight, adding: image, imageWeight, shape: image.shape)
    }

    private func noise(
        _ draw: DeviceDraw, weight: Double, adding image: DeviceTensor?, _ imageWeight: Double, shape: [Int]
    ) throws -> DeviceTensor {
        try context.run { [self] in
            let output = try tensor(shape)
            try launch(
                "noise", Self.grid(output.count / 4 + 1),
                ud2m_cuda_noise(
                    input: image?.elements, output: output.floats, input_scale: imageWeight, noise_scale: weight,
                    count: Self.number(output.count), key: (draw.key[0], draw.key[1]), position: draw.position,
                    kind: draw.kind, sample: draw.sample))
            return output
        }
    }

    /// The least-squares solution of inpainting: (y + τm)/(1 + τ) where pixels are observed, m elsewhere.
    /// - Parameters:
    ///   - mean: m, NCHW.
    ///   - observed: y, of its shape.
    ///   - mask: One value a pixel of a plane, 0 for what is missing; nil where nothing is.
    ///   - weight: τ.
    /// - Returns: An image of the shape of m.
    /// - Throws: As ``DeviceArithmetic`` says.
    package func masked(
        _ mean: DeviceMix, observed: DeviceTensor, mask: DeviceTensor?, weight: Double
    ) throws -> DeviceTensor {
        let shape = mean.shape
        try Self.require(
            shape.count == 4 && observed.shape == shape && (mask.map { $0.count == shape[2] * shape[3] } ?? true),
            "An image of \(shape) does not fit an observation of \(observed.shape) or its mask.")
        let (planes, pixels) = (shape[0] * shape[1], shape[2] * shape[3])
        return try context.run { [self] in
            let output = try tensor(shape)
            var task = ud2m_cuda_masked()
            task.observed = observed.elements
            task.first = mean.first.elements
            task.second = mean.second?.elements
            task.mask = mask?.elements
            task.output = output.floats
            (task.first_weight, task.second_weight, task.weight) = (mean.firstWeight, mean.secondWeight, weight)
            (task.planes, task.pixels) = (try Self.number(planes), try Self.number(pixels))
            try launch("masked", Self.grid(pixels, planes: planes), task)
            return output
        }
    }
}
