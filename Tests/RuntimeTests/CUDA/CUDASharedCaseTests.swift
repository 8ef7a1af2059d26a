import Testing
import UD2MFormats
import UD2MRuntime

/// The one list of kernel cases (`Sources/Kernels/cases.c`) on a device, as `ud2m cuda-selftest` runs it.
@Suite(.enabled(if: TestDevice.isAvailable)) struct CUDASharedCaseTests {
    private static let cases = Result { try SelfTestCase.listed() }
    private static let runs: [(name: String, element: DeviceElement)] = ((try? cases.get()) ?? []).flatMap { item in
        item.elements.map { (item.name, $0) }
    }
    private static let test = Result { try CUDASelfTest(TestDevice.device()) }

    @Test func theListIsWhole() throws {
        let cases = try Self.cases.get()
        #expect(cases.count >= 50 && Set(cases.map(\.name)).count == cases.count)
        // Steep attention is run in float32 alone, the rest in every type.
        #expect(cases.count { $0.elements.count < 3 } == 2)
    }

    @Test(arguments: runs) func isRight(name: String, element: DeviceElement) throws {
        let item = try #require(Self.cases.get().first { $0.name == name })
        let store = try TestDevice.store(nil, item.weights)
        let outcome = try Self.test.get().run(item, store, element, threads: 2)
        #expect(outcome.failure == nil)
        #expect(outcome.passes(item.bound(element)), "\(outcome.error ?? .nan)")
    }
}
