import Testing
import UD2MFormats
import UD2MTestSupport

/// Tensors without elements, whose other sizes no memory could hold.
@Suite struct EmptyTensorTests {
    private static func open(_ shape: [Int]) throws -> Checkpoint {
        let pickle = PickleAssembler()
        pickle.op(.emptyDict).text("w")
        pickle.tensor("0", count: 1, shape: shape, strides: [Int](repeating: 1, count: shape.count)).op(.setItem)
        return try TorchArchive(pickle: pickle.stopped, storages: ["0": TorchArchive.floats([1])]).open()
    }

    @Test("behind a size of zero every size is taken, and goes through every format")
    func emptyTensors() throws {
        let huge = 1_000_000_000_000_000_000
        let folder = try TemporaryDirectory()
        let shapes: [[Int]] = [[0, huge, huge], [huge, 0, huge, huge], [0, .max]]
        for shape in shapes {
            let tensor = try #require(try Self.open(shape).stateDicts.first?.tensors.first)
            #expect(tensor.shape == shape && tensor.elementCount == 0 && tensor.byteCount == 0)
            #expect(try tensor.withContiguousBytes { $0.count } == 0)
            #expect(TensorSource.denseStrides(shape).allSatisfy { $0 >= 0 })
            let input = TensorInput(tensor)
            try SafetensorsFile.write(to: folder.path("a.safetensors"), tensors: [input], overwrite: true)
            try TorchZipWriter(tensors: [input]).write(to: folder.path("a.pt"), overwrite: true)
            _ = try WeightStoreWriter(tensors: [input]).write(to: folder.path("a.ud2w"), overwrite: true)
            try NPZWriter(tensors: [input]).write(to: folder.path("a.npz"), overwrite: true)
            for name in ["a.safetensors", "a.pt", "a.ud2w", "a.npz"] {
                let read = try #require(try Checkpoint.open(path: folder.path(name)).stateDicts.first?.tensors.first)
                #expect(read.shape == shape, "\(name)")
                #expect(try read.withContiguousBytes { $0.count } == 0)
            }
        }
        // PyTorch multiplies in order, and so a zero comes too late here.
        #expect(thrownError { try Self.open([huge, huge, 0]) }?.code == .torchTensorBounds)
    }
}
