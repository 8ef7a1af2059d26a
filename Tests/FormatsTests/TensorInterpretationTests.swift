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

    @Test("a .pt file gives back quantised, sparse and odd types", arguments: fixtures)
    func torch(_ name: String) throws {
        let folder = try TemporaryDirectory()
        let tensors = try Self.tensors(Self.fixture(name))
        let path = folder.path("a.pt")
        try TorchZipWriter(tensors: tensors.map { TensorInput($0) }).write(to: path)
        #expect(try Self.contents(Self.tensors(path)) == Self.contents(tensors))
    }

    @Test("sparse tensors are sparse again in a .pt file, and parts that are not all there stay tensors")
    func sparseAgain() throws {
        let folder = try TemporaryDirectory()
        let tensors = try Self.tensors(Self.fixture("zip-sparse"))
        let path = folder.path("a.pt")
        try TorchZipWriter(tensors: tensors.map { TensorInput($0) }).write(to: path)
        let archive = try ZipArchive(file: try MappedFile(path: path))
        let entry = try #require(archive.entry(named: "archive/data.pkl".utf8))
        let pickle = String(decoding: try archive.contents(of: entry, maximumBytes: 1 << 20), as: UTF8.self)
        for name in ["_rebuild_sparse_tensor", "torch.sparse_coo", "torch.sparse_csr", "torch.sparse_bsc"] {
            #expect(pickle.contains(name))
        }
        #expect(!pickle.contains("coo.indices") && !pickle.contains("bsc.values"))
        // Without its values the first is no sparse tensor, and says so.
        let partial = tensors.filter { $0.name != "coo.values" }
        let coo = try #require(partial.sparseTensors.first)
        #expect(coo.name == "coo" && !coo.isComplete && coo.parts == ["coo.indices"])
        #expect(partial.restorableSparseTensors.count == tensors.sparseTensors.count - 1)
        try TorchZipWriter(tensors: partial.map { TensorInput($0) }).write(to: path, overwrite: true)
        let names = Set(try Checkpoint.open(path: path).stateDicts.flatMap(\.tensors).map(\.name))
        #expect(names.contains("coo.indices") && !names.contains("coo.values") && names.contains("csr.values"))
        // Nor is it where another tensor has the name of the whole.
        var other = try #require(tensors.first { $0.name == "csr.values" }).named("coo")
        other.sparsity = nil
        let taken = tensors + [other]
        #expect(!taken.restorableSparseTensors.contains { $0.name == "coo" })
    }

    @Test("parts that got underscores, since other tensors have their names, are still found")
    func underscores() throws {
        let path = RepositoryPaths.fixtures.appending(path: "tools/part-names.pt").path(percentEncoded: false)
        let tensors = try Self.tensors(path)
        #expect(tensors.sparseTensors.map(\.parts) == [["coo.indices_", "coo.values"]])
        let whole = try #require(try tensors.densified().first { $0.name == "coo" })
        #expect(try whole.floats() == [1, 0, 0, 0, 1, 0, 0, 0, 1])
    }

    @Test("scales are never another tensor that has their name, in any file")
    func otherScales() throws {
        // The fixture's own scales under new names, and other numbers of the same shape under the usual one.
        let folder = try TemporaryDirectory()
        let tensors = try Self.tensors(Self.fixture("zip-quantised"))
        let expected = try #require(try tensors.dequantised().first { $0.name == "channels" }).floats()
        let other = try #require(tensors.first { $0.name == "quint4x2.scales" }).named("channels.scales")
        let renamed =
            tensors.map { tensor in
                var tensor = tensor
                if tensor.name == "channels" { tensor.quantisation?.suffix = "_" }
                if tensor.name.hasPrefix("channels.") { tensor.name = TensorName("\(tensor.name.text)_") }
                return tensor
            } + [other]
        let path = folder.path("a.ud2w")
        _ = try WeightStoreWriter(tensors: renamed.map { TensorInput($0) }).write(to: path)
        let stored = try Self.tensors(path)
        let plain = try stored.dequantised()
        #expect(try plain.first { $0.name == "channels" }?.floats() == expected)
        #expect(try plain.first { $0.name == "channels.scales" }?.floats() == other.floats())
        // PyTorch's own file keeps both, and reading it chooses the same names again.
        let torch = folder.path("a.pt")
        try TorchZipWriter(tensors: stored.map { TensorInput($0) }).write(to: torch)
        #expect(try Self.contents(Self.tensors(torch)) == Self.contents(stored))
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
            #"{"kind":"quantised","dtype":"qint8","scheme":"per_channel_affine","axis":0,"suffix":"x"}"#,
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

extension TensorSource {
    /// The same tensor under another name.
    fileprivate func named(_ name: TensorName) -> TensorSource {
        var copy = self
        copy.name = name
        return copy
    }
}
