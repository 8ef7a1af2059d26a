import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// Which file of a model's folder is opened.
@Suite("Model folders") struct ModelFolderTests {
    /// Writes files under these names: weights, or an index of one shard `shard.safetensors`.
    private func folder(_ names: [String]) throws -> TemporaryDirectory {
        let folder = try TemporaryDirectory()
        let tensors = [TensorInput(name: "w", shape: [1], floats: [1])]
        for name in names {
            if name.hasSuffix(".json") {
                let index = #"{"weight_map": {"w": "shard.safetensors"}}"#
                try Data(index.utf8).write(to: URL(filePath: folder.path(name)))
                try SafetensorsFile.write(to: folder.path("shard.safetensors"), tensors: tensors, overwrite: true)
            } else if name.hasSuffix(".bin") {
                try TorchZipWriter(tensors: tensors).write(to: folder.path(name))
            } else {
                try SafetensorsFile.write(to: folder.path(name), tensors: tensors)
            }
        }
        return folder
    }

    private static let plain = "diffusion_pytorch_model"

    @Test(
        "plain weights before variants, an index before single files, safetensors before pickles",
        arguments: [
            ["\(plain).fp16.safetensors"], ["\(plain).non_ema.bin"], ["\(plain).bin", "\(plain).fp16.safetensors"],
            ["\(plain).safetensors", "\(plain).bin", "\(plain).fp16.safetensors", "\(plain).non_ema.safetensors"],
            ["\(plain).safetensors.index.fp16.json"],
            [
                "\(plain).safetensors", "\(plain).safetensors.index.fp16.json",
                "\(plain).fp16-00001-of-00002.safetensors",
            ],
            ["\(plain).fp16.safetensors.index.json", "\(plain).fp16.bin"],
            ["\(plain).safetensors.index.json", "\(plain).safetensors"], ["any.index.json", "\(plain).safetensors"],
            ["model.fp16.safetensors"], ["model.safetensors", "pytorch_model.bin"], ["pytorch_model.fp16.bin"],
        ])
    func choice(names: [String]) throws {
        let folder = try folder(names)
        let checkpoint = try Checkpoint.open(path: folder.path(""))
        #expect(checkpoint.path.split(separator: "/").last.map(String.init) == names[0])
        #expect(checkpoint.stateDicts.first?.tensors.map(\.name) == ["w"])
        let others = names.dropFirst().filter { !$0.contains("-of-") }
        #expect(checkpoint.remarks.count == (others.isEmpty ? 0 : 1))
        #expect(others.allSatisfy { checkpoint.remarks.first?.contains($0) == true })
    }

    @Test(
        "several variants without plain weights, or indexes of several models, leave the choice to the caller",
        arguments: [
            ["\(plain).fp16.safetensors", "\(plain).non_ema.bin"],
            ["\(plain).safetensors.index.fp16.json", "\(plain).non_ema.safetensors"], ["a.index.json", "b.index.json"],
        ])
    func open(names: [String]) throws {
        let folder = try folder(names)
        let error = #expect(throws: UD2MError.self) { try Checkpoint.open(path: folder.path("")) }
        #expect(error?.code == .folderAmbiguous)
        for name in names {
            #expect(error?.message.contains(name) == true)
            #expect(try Checkpoint.open(path: folder.path(name)).stateDicts.count == 1)
        }
    }

    @Test("a folder that is no checkpoint names the files in it that may be")
    func hint() throws {
        let folder = try folder(["last.safetensors", "weights.bin"])
        let error = #expect(throws: UD2MError.self) { try Checkpoint.open(path: folder.path("")) }
        #expect(error?.code == .fileNotRegular)
        #expect(error?.remedy?.contains("last.safetensors, weights.bin") == true)
        let empty = try TemporaryDirectory()
        let none = #expect(throws: UD2MError.self) { try Checkpoint.open(path: empty.path("")) }
        #expect(none?.code == .fileNotRegular)
        #expect(none?.remedy?.contains(".metadata") == true)
    }
}
