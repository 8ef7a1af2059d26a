import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

@Suite("Checkpoints written by torch.save")
struct TorchDemoTests {
    @Test("the demo prior opens with every tensor readable and nothing left out")
    func demoPrior() throws {
        let checkpoint = try Checkpoint.open(
            path: RepositoryPaths.root.appending(path: "Examples/demo/prior64.pt").path)
        #expect(checkpoint.container == .torchZip)
        #expect(checkpoint.findings.isEmpty)
        #expect(checkpoint.skipped.isEmpty)
        #expect(checkpoint.looseTensors.isEmpty)
        try checkpoint.requireSafe()
        let state = try #require(checkpoint.stateDicts.first)
        #expect(state.tensors.contains { $0.name == "out.2.weight" })
        for tensor in checkpoint.stateDicts.flatMap(\.tensors) {
            try tensor.withContiguousBytes { #expect($0.count == tensor.byteCount) }
        }
    }
}
