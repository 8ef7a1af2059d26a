import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// What a device computes between two runs of a network equals what the CPU computes.
@Suite("a device's arithmetic", .enabled(if: SamplerDevice.isAvailable)) struct CUDAArithmeticTests {
    @Test("every case of the self-test passes", arguments: SamplerSelfTest.cases.indices)
    func selfTest(index: Int) throws {
        let item = SamplerSelfTest.cases[index]
        let outcome = try SamplerSelfTest(CUDASelfTest(SamplerDevice.device())).run(item)
        #expect(outcome.failure == nil, "\(item.name)")
        #expect(outcome.passes(item.bound), "\(item.name): \(outcome.error.map { "\($0)" } ?? "no number")")
    }

    @Test("the self-test launches every kernel that ships")
    func everyKernel() throws {
        let test = try SamplerSelfTest(CUDASelfTest(SamplerDevice.device()))
        for item in SamplerSelfTest.cases { _ = try test.run(item) }
        var launched = try test.launched
        #expect(launched.isSuperset(of: ["fft_rows", "fft_columns", "super_resolution", "noise", "masked"]))
        for item in try SelfTestCase.all() {
            for element in DeviceElement.allCases { launched.formUnion(try item.kernels(element)) }
        }
        #expect(CUDASelfTest.kernels.subtracting(launched).isEmpty)
    }

    @Test("the self-test tells other numbers, shapes, failures and runs that differ")
    func outcomes() throws {
        let right = try Tensor(shape: [2], values: [1, 2])
        func outcome(_ found: @escaping () throws -> Tensor?) throws -> CUDASelfTest.Outcome {
            try CUDASelfTest.outcome { (right, found) }
        }
        #expect(try outcome { right }.passes(0))
        #expect(try outcome { try Tensor(shape: [2], values: [1, 2.5]) }.error == 0.25)
        #expect(try !outcome { try Tensor(shape: [2], values: [1, .nan]) }.passes(1))
        #expect(try !outcome { try Tensor(shape: [1], values: [1]) }.passes(1))
        #expect(try outcome { throw UD2MError(.cudaFailed, "broken") }.failure?.contains("broken") == true)
        #expect(throws: UD2MError.self) { try outcome { throw UD2MError(.memoryExhausted, "full") } }
        var calls = 0
        let changing = try outcome {
            calls += 1
            return try Tensor(shape: [2], values: [1, Float(calls)])
        }
        #expect(changing.failure != nil && !changing.passes(1))
    }

    @Test("noise is that of the CPU in every draw and sample, but for a last place")
    func noise() throws {
        let arithmetic = try SamplerDevice.arithmetic()
        let source = PhiloxNoise(seed: 1 << 40, item: 9)
        let draws: [NoiseDraw] = [
            .initialState, .denoising(step: 2, iteration: 1), .transition(step: 1, part: 1), .observation,
        ]
        for (index, draw) in draws.enumerated() {
            let (sample, shape) = (UInt32.max - UInt32(index), [1, 3, 5, 17 + index])
            let found = try arithmetic.download(
                arithmetic.normals(source.deviceDraw(draw, sample: sample), shape: shape))
            let expected = try source.normals(draw, sample: sample, shape: shape)
            #expect(found.shape == shape)
            #expect(zip(found.values, expected.values).allSatisfy { abs($0 - $1) <= $1.ulp }, "\(draw)")
            #expect(zip(found.values, expected.values).count { $0 != $1 } <= 1, "\(draw)")
        }
    }

    @Test(
        "transforms of any length", arguments: [(1, 1), (2, 3), (8, 16), (33, 20), (1, 1025), (2048, 1)])
    func transforms(height: Int, width: Int) throws {
        let arithmetic = try SamplerDevice.arithmetic()
        let image = try Tensor.random([1, 2, height, width], seed: 3)
        let found = try arithmetic.download(arithmetic.spectrum(DeviceMix(arithmetic.upload(image))))
        #expect(found.shape == [1, height, width, 2])
        let count = height * width
        var expected = (0..<count).flatMap { [Double(image.values[$0]), Double(image.values[count + $0])] }
        try FFT2D(rows: height, columns: width).forward(&expected)
        let scale = expected.reduce(0) { max($0, abs($1)) }
        #expect(largestDifference(found.values.map { Double($0) }, expected) <= 1e-5 * scale)
    }

    @Test("squared differences give the PSNR, and what is no number is found")
    func totals() throws {
        let arithmetic = try SamplerDevice.arithmetic()
        let image = try Tensor.random([1, 3, 40, 50], seed: 1)
        let reference = try Tensor.random(image.shape, seed: 2)
        let (left, right) = (try arithmetic.upload(image), try arithmetic.upload(reference))
        let total = try arithmetic.totals(.squaredDifferences, left, right)[0]
        let expected = try ImageMetrics.psnr(image, reference: reference)
        let found = try ImageMetrics.psnr(
            Tensor(shape: [1], values: [Float((total / Double(image.values.count)).squareRoot())]),
            reference: Tensor(shape: [1], values: [0]))
        #expect(abs(found - expected) < 1e-5)
        #expect(try arithmetic.isFinite(left))
        for wrong in [Float.nan, .infinity, -.infinity] {
            var values = image.values
            values[4321] = wrong
            #expect(try !arithmetic.isFinite(arithmetic.upload(Tensor(shape: image.shape, values: values))))
        }
    }

    @Test("shapes that do not fit are refused")
    func refused() throws {
        let arithmetic = try SamplerDevice.arithmetic()
        func tensor(_ shape: [Int]) throws -> DeviceTensor { try arithmetic.upload(Tensor(shape: shape, repeating: 0)) }
        let image = try tensor([1, 1, 4, 6])
        let spectrum = try arithmetic.spectrum(DeviceMix(image))
        let (small, transfer) = (try tensor([1, 1, 4, 5]), try tensor([4, 6, 2]))
        let calls: [() throws -> Any] = [
            { try DeviceMix(image, 1, small, 1) },
            { try arithmetic.masked(DeviceMix(image), observed: small, mask: nil, weight: 1) },
            { try arithmetic.masked(DeviceMix(image), observed: image, mask: tensor([5, 6]), weight: 1) },
            { try arithmetic.totals(.products, image) },
            { try arithmetic.totals(.sum, image, groups: 5) },
            { try arithmetic.spectrum(DeviceMix(tensor([4, 6]))) },
            { try arithmetic.filtered(DeviceMix(image), .blur(tensor([4, 5, 2]))) },
            { try arithmetic.filtered(DeviceMix(image), .tikhonov(transfer, observed: tensor([1]), weight: 1)) },
            {
                try arithmetic.superResolved(
                    DeviceMix(image), transfer: transfer, observed: spectrum, factor: 2, weight: 1)
            },
        ]
        for (index, call) in calls.enumerated() {
            let error = thrownError { _ = try call() }
            #expect(error?.code == .tensorShape, "\(index)")
        }
        let long = try tensor([1, 1, 1, DeviceArithmetic.longestSide + 1])
        #expect(thrownError { _ = try arithmetic.spectrum(DeviceMix(long)) }?.code == .cudaUnsupported)
    }
}
