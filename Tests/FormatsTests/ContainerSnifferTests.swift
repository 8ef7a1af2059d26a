import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// What is recognised, and what is said about it (`formats.md` §1).
@Suite struct ContainerSnifferTests {
    private static let legacyMagic: [UInt8] = [
        0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]

    private static let refused: [(name: String, bytes: [UInt8], code: UD2MError.Code)] = [
        ("nothing", [], .fileEmpty),
        ("zeros", [UInt8](repeating: 0, count: 5_000), .fileAllZero),
        (
            "git-lfs pointer", Array("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n".utf8),
            .gitLFSPointer
        ),
        ("HTML", Array("<!DOCTYPE html><html>".utf8), .htmlPage),
        ("HTML after spaces", Array("\r\n  <html>".utf8), .htmlPage),
        ("JSON error", Array("{\"error\": \"gated\"}".utf8), .serverMessage),
        ("text error", Array("Entry not found".utf8), .serverMessage),
        ("gzip", [0x1F, 0x8B, 8, 0], .gzipFile),
        ("7-Zip", [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C, 0], .sevenZipFile),
        ("zstd", [0x28, 0xB5, 0x2F, 0xFD, 0], .zstdFile),
        ("bzip2", [0x42, 0x5A, 0x68, 0x39], .bzip2File),
        ("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], .xzFile),
        ("RAR", Array("Rar!".utf8) + [0x1A], .rarFile),
        ("GGUF", Array("GGUF\u{3}".utf8), .ggufModel),
        ("HDF5", [0x89] + Array("HDF\r\n".utf8), .hdf5Model),
        ("NumPy cut short", [0x93] + Array("NUMPY".utf8), .npyHeader),
        ("ONNX", [0x08, 0x07, 0x12, 0x07] + Array("pytorch".utf8), .onnxModel),
        ("ONNX without a producer", [0x08, 0x08, 0x3A, 0x07, 0x0A, 0x00], .onnxModel),
        ("Core ML", [0x08, 0x04, 0x12, 0x8C, 0x01, 0x0A, 0x10], .coreMLModel),
        ("TensorFlow Lite", [0x1C, 0, 0, 0] + Array("TFL3".utf8), .tfliteModel),
        ("2019 preview", Array("PYTORCH1".utf8), .torchPreview),
        ("empty zip", [0x50, 0x4B, 0x05, 0x06] + [UInt8](repeating: 0, count: 18), .zipEmpty),
        ("spanned zip", [0x50, 0x4B, 0x07, 0x08, 0], .zipSpanned),
        (
            "git-lfs pointer with CRLF",
            Array("version https://git-lfs.github.com/spec/v1\r\noid sha256:ab\r\nsize 12\r\n".utf8), .gitLFSPointer
        ),
        ("JSON message", Array("{\"message\":\"Not Found\"}".utf8), .serverMessage),
        ("JSON error object", Array("{\"error\": {\"code\": 404, \"message\": \"gone\"}}".utf8), .serverMessage),
        ("no access", Array("Access denied\n".utf8), .serverMessage),
        ("no login", Array("Invalid username or password.".utf8), .serverMessage),
        (
            "S3 error",
            Array("<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>No</Message></Error>".utf8),
            .serverMessage
        ),
        ("gzip with a name", [0x1F, 0x8B, 8, 8, 0, 0, 0, 0, 0, 3] + Array("model.pt\0".utf8), .gzipFile),
        ("gzip cut in its extra field", [0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 3, 0xFF, 0xFF], .gzipFile),
        (
            "NumPy cut in its header", [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array("{'descr'".utf8),
            .npyHeader
        ),
        ("ustar", [UInt8](repeating: 0x61, count: 257) + Array("ustar\0".utf8), .torchLayout),
        ("noise", [0xDE, 0xAD, 0xBE, 0xEF], .containerUnknown),
        ("one byte", [0x80], .containerUnknown),
    ]

    @Test(arguments: 0..<Self.refused.count)
    func names(_ index: Int) {
        let test = Self.refused[index]
        let error = thrownError { try Checkpoint.open(bytes: test.bytes) }
        #expect(error?.code == test.code, "\(test.name)")
        #expect(error?.location.byteOffset == 0 || [.torchLayout, .npyHeader].contains(test.code))
        #expect([.containerUnknown, .npyHeader].contains(test.code) || error?.remedy != nil)
    }

    @Test(
        "what a compressed file is told is the command that unpacks it",
        arguments: [
            (UD2MError.Code.sevenZipFile, "7z x FILE"), (.rarFile, "unrar x FILE"), (.xzFile, "xz -dc FILE > OUT"),
            (.zstdFile, "zstd -dc FILE > OUT"), (.bzip2File, "bzip2 -dc FILE > OUT"),
            (.gzipFile, "gzip -dc FILE > OUT"),
        ])
    func unpacking(_ code: UD2MError.Code, _ command: String) throws {
        let test = try #require(Self.refused.first { $0.code == code })
        #expect(thrownError { try Checkpoint.open(bytes: test.bytes) }?.remedy?.contains(command) == true)
    }

    @Test func aPointersSizeIsNamedHoweverItsLinesEnd() {
        let text = "version https://git-lfs.github.com/spec/v1\r\noid sha256:ab\r\nsize 12\r\n"
        let error = thrownError { try Checkpoint.open(bytes: Array(text.utf8)) }
        #expect(error?.message.contains("12 bytes (sha256:ab)") == true)
    }

    @Test("a safetensors file cut anywhere is a truncated safetensors file, with what to do")
    func safetensorsCutShort() throws {
        let whole = safetensorsBytes(
            header: "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", dataBytes: 4)
        let codes: [UD2MError.Code] = [.safetensorsTruncated, .safetensorsHeaderOutside, .safetensorsDataOutside]
        for count in 5..<whole.count {
            let error = thrownError { try Checkpoint.open(bytes: Array(whole[..<count])) }
            #expect(error.map { codes.contains($0.code) } == true, "\(count): \(String(describing: error))")
            #expect(error?.remedy != nil)
        }
    }

    @Test("an archive that merely contains a checkpoint names it")
    func packed() throws {
        let zip = ZipBuilder([ZipBuilder.Entry("readme", [1]), ZipBuilder.Entry("weights/model.pt", [1])])
        let error = thrownError { try Checkpoint.open(bytes: zip.build()) }
        #expect(error?.code == .packedCheckpoint)
        #expect(error?.remedy?.contains("unzip FILE") == true)
        #expect(error?.location.entry == "weights/model.pt")
    }

    @Test(arguments: [["Manifest.json", "Data"], ["coremldata.bin"]])
    func coreMLFoldersAreNamed(_ names: [String]) throws {
        let folder = try TemporaryDirectory()
        for name in names { _ = try folder.write([UInt8](), as: name) }
        let error = thrownError { try Checkpoint.open(path: folder.url.path(percentEncoded: false)) }
        #expect(error?.code == .coreMLModel)
    }

    /// Protocols 0 and 1 write the number as a line of digits.
    @Test func legacyStreamsOfProtocolZeroAreFound() {
        let error = thrownError { try Checkpoint.open(bytes: Array("L119547037146038801333356L\n.".utf8)) }
        #expect(error?.code == .pickleTruncated)
        #expect(error?.location.entry == "protocol version")
    }

    /// Protocol 4 and 5 put a FRAME before the magic number.
    @Test(arguments: [UInt8(2), 3, 4, 5])
    func legacyStreamsAreFoundAtEveryProtocol(_ version: UInt8) {
        let frame: [UInt8] = version >= 4 ? [0x95, 13, 0, 0, 0, 0, 0, 0, 0] : []
        let error = thrownError { try Checkpoint.open(bytes: [0x80, version] + frame + Self.legacyMagic) }
        // Recognised, and cut short after the first pickle.
        #expect(error?.code == .pickleTruncated)
        #expect(error?.location.entry == "protocol version")
    }

    @Test func oldTarIsFoundByItsChecksum() {
        var header = [UInt8](repeating: 0, count: 512)
        header.replaceSubrange(0..<8, with: Array("storages".utf8))
        header.replaceSubrange(148..<156, with: [UInt8](repeating: 0x20, count: 8))
        let sum = header.reduce(0) { $0 + Int($1) }
        let digits = Array(String(sum, radix: 8).utf8)
        header.replaceSubrange(148..<(148 + digits.count), with: digits)
        // Recognised; its one member has no size.
        #expect(thrownError { try Checkpoint.open(bytes: header) }?.code == .tarMalformed)
    }

    @Test func npzMembersMustBeArrays() {
        let zip = ZipBuilder([ZipBuilder.Entry("a.npy", [1]), ZipBuilder.Entry("b.npy", [1])])
        let error = thrownError { try Checkpoint.open(bytes: zip.build()) }
        #expect(error?.code == .npyHeader)
        #expect(error?.location.entry == "a.npy")
    }

    @Test func safetensorsIsDispatched() throws {
        let header = Array("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}".utf8)
        let bytes = [UInt8(header.count), 0, 0, 0, 0, 0, 0, 0] + header + [0, 0, 128, 63]
        let checkpoint = try Checkpoint.open(bytes: bytes)
        #expect(checkpoint.container == .safetensors)
        #expect(try checkpoint.stateDicts[0].tensors[0].floats() == [1])
    }

    @Test(
        "models of other frameworks that are archives are named, with what to do",
        arguments: [
            ("config.json metadata.json model.weights.h5", UD2MError.Code.tensorFlowModel),
            ("m.mlpackage/Manifest.json m.mlpackage/Data/com.apple.CoreML/model.mlmodel", .coreMLModel),
            ("m/saved_model.pb m/variables/variables.index", .tensorFlowModel),
        ])
    func foreignArchives(_ names: String, _ code: UD2MError.Code) throws {
        let entries = names.split(separator: " ").map { ZipBuilder.Entry(String($0), [1, 2, 3]) }
        let error = expectError(code) { _ = try Checkpoint.open(bytes: ZipBuilder(entries).build()) }
        #expect(error?.remedy?.contains("PyTorch or safetensors") == true)
    }

    @Test("a TensorFlow saved model is named, as a folder and as its file")
    func savedModels() throws {
        let folder = try TemporaryDirectory()
        let graph = [0x08, 0x01, 0x12, 0x20, 0x12, 0x1E] + Array("VarHandleOp dense/kernel".utf8)
        let file = try folder.write(graph, as: "saved_model.pb")
        for path in [file, folder.path("")] {
            let error = expectError(.tensorFlowModel) { _ = try Checkpoint.open(path: path) }
            #expect(error?.remedy?.contains("PyTorch or safetensors") == true)
        }
    }
}
