import Testing
import UD2MFormats
import UD2MRuntime

/// Plans of networks on a device that need no device.
@Suite struct DevicePlanTests {
    /// The unconditional network of 256×256 images of the paper.
    static let adm = ADMConfiguration(
        imageChannels: 3, inputChannels: 3, outputChannels: 6, modelChannels: 256,
        levelChannels: [256, 256, 512, 512, 1024, 1024], residualBlocks: 2, attentionLevels: [3, 4, 5],
        heads: .channels(64), attentionOrder: .legacy, usesScaleShift: true, resampling: .residualBlock,
        classCount: nil,
        isSuperResolution: false)

    private func plan(_ element: DeviceElement = .f16, batch: Int = 1) throws -> DevicePlan {
        try DevicePlan(
            architecture: .adm(Self.adm), sizes: [PlanKey.Size(name: "x", height: 256, width: 256)], batch: batch,
            element: element)
    }

    @Test func theFullNetworkIsPlanned() throws {
        let plan = try plan()
        let launches = plan.launches
        #expect((300...700).contains(launches.count))
        #expect(launches.allSatisfy { $0.bytesWritten > 0 && $0.grid.x > 0 })
        // 552.8 million parameters of two bytes, the few vectors of four.
        #expect((1_100_000_000...1_130_000_000).contains(plan.weightBytes))
        // 2.24 TFLOP by the layers' definitions.
        let flops = launches.reduce(0) { $0 + $1.flops }
        #expect((2.1e12...2.4e12).contains(flops))
        let read = launches.reduce(0) { $0 + $1.bytesRead }
        let written = launches.reduce(0) { $0 + $1.bytesWritten }
        #expect(read + written < plan.unfused.bytesRead + plan.unfused.bytesWritten)
        #expect(written < plan.unfused.bytesWritten)
        #expect(plan.arenaBytes < 2 << 30)
    }

    @Test("what a plan moves is less than single operations move, of networks of convolutions alone too")
    func vggMovesLess() throws {
        let vgg = VGGConfiguration(widths: [64, 128, 256, 512, 512])
        for element in DeviceElement.allCases {
            let plan = try DevicePlan(
                architecture: .vgg16(vgg), sizes: [PlanKey.Size(name: "x", height: 256, width: 256)], batch: 1,
                element: element)
            let moved = plan.launches.reduce(0) { $0 + $1.bytesRead + $1.bytesWritten }
            #expect(moved < plan.unfused.bytesRead + plan.unfused.bytesWritten)
        }
    }

    @Test func sizesFollowTheElementsAndTheBatch() throws {
        let (half, single, two) = (try plan(), try plan(.f32), try plan(batch: 2))
        #expect(single.weightBytes > 19 * half.weightBytes / 10)
        #expect(single.arenaBytes > 3 * half.arenaBytes / 2)
        #expect(two.weightBytes == half.weightBytes)
        #expect(two.arenaBytes > 19 * half.arenaBytes / 10)
        let flops = [half, two].map { $0.launches.reduce(0) { $0 + $1.flops } }
        #expect(flops[1] == 2 * flops[0])
        #expect(single.launches.allSatisfy { !$0.kernel.hasSuffix("f16") })
    }

    @Test func sidesBeyondTheLimitAreNotPlanned() {
        let error = #expect(throws: UD2MError.self) {
            try DevicePlan(
                architecture: .adm(Self.adm), sizes: [PlanKey.Size(name: "x", height: 256, width: Int.max)])
        }
        #expect(error?.code == .inputShape)
    }

    @Test func headsOfEveryWidthHaveAKernel() throws {
        for (channels, kernel) in [
            (8, "attention_64_f16"), (12, "attention_plain_f16"), (72, "attention_128_f16"), (256, "attention_128_f16"),
            (512, "attention_64_f16"), (520, "attention_plain_f16"),
        ] {
            var builder = GraphBuilder()
            let x = builder.image("x", channels: 3 * channels)
            let graph = builder.finish(try builder.attention(x, heads: 1, order: .kindMajor))
            let key = PlanKey(sizes: [PlanKey.Size(name: "x", height: 4, width: 4)], taps: [])
            let plan = try DevicePlan(graph: graph, key: key)
            #expect(plan.launches.contains { $0.kernel == kernel })
        }
    }
}
