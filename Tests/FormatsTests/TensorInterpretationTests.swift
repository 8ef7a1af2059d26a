import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// What tensors stand for beyond their element types: kept through every file, and turned into plain numbers on request.
@Suite struct TensorInterpretationTests {
    private static func fixture(_ name: String) -> String {
        RepositoryPaths.fixtures.appending(path: "checkpoints/\(name).pt").path(percentEncoded: false)
    }

    private static func tensors(_ path: String) throws -> [TensorSource] {
        let checkpoint = try Checkpoint.open(path: path)
        #expect(checkpoint.skipped.isEmpty)
        return checkpoint.stateDicts.flatMap(\.tensors)
    }

    /// Names, types, shapes, meanings and bytes.
    private static func contents(_ tensors: [TensorSource]) throws -> [String] {
        try tensors.map { tensor in
            let bytes = try tensor.withContiguousBytes { Array($0) }
            return "\(tensor.name) \(tensor.elementTypeName) \(tensor.shape) \(tensor.interpretation) \(bytes)"
        }.sorted()
    }

    private static let fixtures = ["zip-quantised", "zip-bits", "zip-sparse", "zip-dtypes"]

    @Test("a store and a plain safetensors file give back what they were made from", arguments: fixtures)
    func stored(_ name: String) throws {
        let folder = try TemporaryDirectory()
        let tensors = try Self.tensors(Self.fixture(name))
        let expected = try Self.contents(tensors)
        let inputs = tensors.map { TensorInput($0) }
        _ = try WeightStoreWriter(tensors: inputs).write(to: folder.path("a.ud2w"))
        try SafetensorsFile.write(to: folder.path("a.safetensors"), tensors: inputs)
        for file in ["a.ud2w", "a.safetensors"] {
            #expect(try Self.contents(Self.tensors(folder.path(file))) == expected)
        }
    }

    @Test("a .pt file gives back quantised and odd types", arguments: ["zip-quantised", "zip-bits", "zip-dtypes"])
    func torch(_ name: String) throws {
        let folder = try TemporaryDirectory()
        let tensors = try Self.tensors(Self.fixture(name))
        let path = folder.path("a.pt")
        try TorchZipWriter(tensors: tensors.map { TensorInput($0) }).write(to: path)
        #expect(try Self.contents(Self.tensors(path)) == Self.contents(tensors))
    }

    @Test("channels without their scales cannot be written as .pt")
    func missingScales() throws {
        let tensors = try Self.tensors(Self.fixture("zip-quantised")).filter { $0.name != "channels.scales" }
        let error = expectError(.exportType) { _ = try TorchZipWriter(tensors: tensors.map { TensorInput($0) }) }
        #expect(error?.location.tensor == "channels")
    }

    @Test(
        "numbers are those that torch computes, quantised ones to the bit",
        arguments: ["zip-quantised", "legacy-quantised", "zip-sparse", "legacy-sparse"])
    func plain(_ name: String) throws {
        let golden = try Golden("checkpoints/dense.safetensors")
        let plain = try Self.tensors(Self.fixture(name)).dequantised().densified()
        #expect(plain.count == golden.tensors.keys.count { $0.hasPrefix(name + "/") })
        for tensor in plain {
            let expected = try golden["\(name)/\(tensor.name.text)"]
            #expect(tensor.shape == expected.shape)
            #expect(tensor.elementType == .f32)
            let values = try tensor.withContiguousBytes { Array($0.bindMemory(to: Float.self)) }
            #expect(values.count == expected.values.count)
            for (value, reference) in zip(values, expected.values) {
                // Sparse tensors may keep a negative zero that torch adds to a positive one.
                #expect(
                    value == reference && (name.contains("sparse") || value.bitPattern == reference.bitPattern),
                    "\(tensor.name)")
            }
        }
    }

    @Test(
        "what a file says of its tensors must fit them",
        arguments: [
            #"{"kind":"torch"}"#, #"{"kind":"torch","dtype":"qint32"}"#, #"{"kind":"torch","dtype":"float32"}"#,
            #"{"kind":"torch","dtype":"complex128"}"#, #"{"kind":"number","dtype":"qint8"}"#, #"{"dtype":"qint8"}"#,
            #"{"kind":"quantised","dtype":"qint8","scheme":"per_tensor_affine"}"#,
            #"{"kind":"quantised","dtype":"qint8","scheme":"per_tensor_affine","scale":1}"#,
            #"{"kind":"quantised","dtype":"qint8","scheme":"per_tensor_affine","scale":1,"zero_point":0,"axis":0}"#,
            #"{"kind":"quantised","scheme":"per_tensor_affine","scale":1,"zero_point":0}"#,
            #"{"kind":"quantised","dtype":"qint8","scheme":"per_channel_affine","axis":64}"#,
            #"{"kind":"quantised","dtype":"qint8","scheme":"per_channel_affine","axis":-1}"#,
            #"{"kind":"quantised","dtype":"qint8","scheme":"per_channel_affine","axis":0,"shape":[-1]}"#,
            #"{"kind":"sparse","layout":"torch.sparse_coo","part":"rows","shape":[2]}"#,
            #"{"kind":"sparse","layout":"torch.dense","part":"indices","shape":[2]}"#,
            #"{"kind":"sparse","layout":"torch.sparse_coo","part":"indices","shape":[1.5]}"#,
            #"{"kind":"torch","dtype":"qint8","extra":1}"#, "[]", "1",
        ])
    func refused(_ value: String) throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("a.safetensors")
        let header =
            #"{"__metadata__":{"ud2w.quant":"{\"x\":\#(value.replacing("\"", with: #"\""#))}"},"#
            + #""x":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}}"#
        _ = try folder.write(safetensorsBytes(header: header, dataBytes: 2), as: "a.safetensors")
        let error = expectError(.tensorInterpretation) { _ = try Checkpoint.open(path: path) }
        #expect(error?.location.entry == "ud2w.quant")
        #expect(error?.location.tensor == "x")
    }

    @Test("sparse parts that do not fit are errors when they are put together")
    func unfit() throws {
        let parts = try Self.tensors(Self.fixture("zip-sparse")).filter { $0.name.hasPrefix("coo.") }
        #expect(parts.count == 2)
        expectError(.torchTensorMalformed) { _ = try Array(parts.prefix(1)).densified() }
        func changed(_ shape: [Int]) -> [TensorSource] {
            parts.map { part in
                var part = part
                part.sparsity?.shape = shape
                return part
            }
        }
        // An index beyond the shape, another rank, sizes beyond any memory, and sizes beyond any product.
        expectError(.torchTensorBounds) { _ = try changed([1, 1]).densified() }
        expectError(.torchTensorMalformed) { _ = try changed([4]).densified() }
        expectError(.tensorExpansion) { _ = try changed([1 << 30, 1 << 20]).densified() }
        expectError(.tensorExpansion) { _ = try changed([1 << 62, 1 << 62]).densified() }
    }
}
