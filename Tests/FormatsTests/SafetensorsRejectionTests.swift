import Testing
import UD2MFormats
import UD2MTestSupport

/// One file for each rule of `formats.md` §8.1.
@Suite struct SafetensorsRejectionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let code: UD2MError.Code
        let header: String
        var dataBytes = 8
        var tensor: String?
        var offset: Int?

        var testDescription: String { "\(code.name): \(header.prefix(80))" }
    }

    static let entry = #""dtype":"F32","shape":[2],"data_offsets":[0,8]"#

    static let cases: [Case] = [
        Case(code: .safetensorsHeaderStart, header: #" {"a":{\#(entry)}}"#, offset: 8),
        Case(code: .safetensorsHeaderStart, header: #"["a"]"#, offset: 8),
        Case(code: .safetensorsHeaderStart, header: "", dataBytes: 0, offset: 8),
        Case(code: .safetensorsHeaderTrailing, header: "{\"a\":{\(entry)}}\u{0}", offset: 8 + 54),
        Case(code: .safetensorsHeaderTrailing, header: #"{"a":{\#(entry)}} {}"#, offset: 8 + 55),
        Case(code: .safetensorsDuplicateTensor, header: #"{"a":{\#(entry)},"a":{\#(entry)}}"#, tensor: "a"),
        Case(code: .safetensorsDuplicateTensor, header: #"{"a":{\#(entry)},"\u0061":{\#(entry)}}"#, tensor: "a"),
        Case(code: .safetensorsDuplicateMetadata, header: #"{"__metadata__":{},"__metadata__":{},"a":{\#(entry)}}"#),
        Case(code: .safetensorsDuplicateMetadata, header: #"{"__metadata__":{"k":"1","k":"2"},"a":{\#(entry)}}"#),
        Case(
            code: .safetensorsDuplicateMetadata,
            header: "{\"__metadata__\":{\"\u{E9}\":\"1\",\"e\u{301}\":\"2\"},\"a\":{\(entry)}}"),
        Case(code: .safetensorsMetadataValue, header: #"{"__metadata__":{"k":1},"a":{\#(entry)}}"#, offset: 8 + 21),
        Case(code: .safetensorsMetadataValue, header: #"{"__metadata__":[],"a":{\#(entry)}}"#),
        Case(code: .safetensorsDuplicateField, header: #"{"a":{"dtype":"F32",\#(entry)}}"#, tensor: "a"),
        Case(code: .safetensorsDuplicateField, header: #"{"a":{"x":1,"x":2,\#(entry)}}"#, tensor: "a"),
        Case(code: .safetensorsMissingField, header: #"{"a":{"dtype":"F32","shape":[2]}}"#, tensor: "a"),
        Case(code: .safetensorsMissingField, header: #"{"a":{}}"#, tensor: "a", offset: 9),
        Case(
            code: .safetensorsElementType, header: #"{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}"#,
            tensor: "a"),
        Case(
            code: .safetensorsElementType, header: #"{"a":{"dtype":"C128","shape":[],"data_offsets":[0,8]}}"#,
            tensor: "a"),
        Case(
            code: .safetensorsElementType, header: #"{"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}}"#, tensor: "a"),
        Case(code: .jsonNumber, header: #"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, tensor: "a"),
        Case(code: .jsonNumber, header: #"{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#, tensor: "a"),
        Case(code: .jsonNumber, header: #"{"a":{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}}"#, tensor: "a"),
        Case(
            code: .jsonNumber, header: #"{"a":{"dtype":"F32","shape":[36893488147419103232],"data_offsets":[0,8]}}"#,
            tensor: "a"),
        Case(code: .jsonNumber, header: #"{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}"#, tensor: "a"),
        Case(
            code: .safetensorsNumber,
            header: #"{"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}}"#, tensor: "a"),
        Case(
            code: .safetensorsNumber,
            header: #"{"a":{"dtype":"U8","shape":[0],"data_offsets":[9223372036854775807,9223372036854775807]}}"#,
            tensor: "a"),
        Case(
            code: .safetensorsOffsets, header: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, tensor: "a"),
        Case(code: .safetensorsOffsets, header: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, tensor: "a"),
        Case(
            code: .safetensorsOffsets, header: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}"#, tensor: "a"
        ),
        Case(code: .safetensorsSize, header: #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, tensor: "a"),
        Case(
            code: .safetensorsSize,
            header: #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#, tensor: "a"),
        Case(
            code: .safetensorsPartialByte, header: #"{"a":{"dtype":"F4","shape":[15],"data_offsets":[0,8]}}"#,
            tensor: "a"),
        Case(
            code: .safetensorsHole, header: #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}"#, tensor: "a"),
        Case(
            code: .safetensorsOverlap,
            header:
                #"{"a":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}"#,
            tensor: "b"),
        Case(
            code: .safetensorsDataOutside, header: #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#,
            tensor: "a"),
        Case(code: .safetensorsDataTrailing, header: #"{"a":{\#(entry)}}"#, dataBytes: 9, offset: 8 + 54 + 8),
        Case(code: .safetensorsDataTrailing, header: "{}", dataBytes: 1, offset: 10),
        Case(
            code: .safetensorsLimit,
            header: "{\"a\":{\"dtype\":\"U8\",\"shape\":[\((0..<65).map { _ in "1" }.joined(separator: ","))]}}",
            tensor: "a"),
        Case(code: .safetensorsLimit, header: "{\"\(String(repeating: "n", count: 4097))\":{\(entry)}}"),
        Case(code: .jsonDepth, header: #"{"a":{"x":[[[1]]],\#(entry)}}"#, tensor: "a"),
        Case(code: .jsonString, header: #"{"a\ud800":{\#(entry)}}"#),
        Case(code: .jsonSyntax, header: #"{"a":{\#(entry)}"#),
        Case(code: .jsonSyntax, header: #"{"a":{\#(entry)},}"#),
    ]

    @Test(arguments: cases) func refuses(_ item: Case) throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write(safetensorsBytes(header: item.header, dataBytes: item.dataBytes), as: "f")
        let error = expectError(item.code) { _ = try SafetensorsFile(path: path) }
        #expect(error?.location.file == path)
        #expect(error?.location.byteOffset != nil)
        #expect(error?.location.tensor == item.tensor)
        if let offset = item.offset { #expect(error?.location.byteOffset == offset) }
    }

    @Test(arguments: [0, 1, 7]) func refusesShortFiles(count: Int) throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write([UInt8](repeating: 2, count: count), as: "f")
        let error = expectError(.safetensorsTruncated) { _ = try SafetensorsFile(path: path) }
        #expect(error?.location.byteOffset == count)
    }

    @Test(arguments: [
        (UInt64(100_000_001), UD2MError.Code.safetensorsHeaderTooLarge), (.max, .safetensorsHeaderTooLarge),
        (1 << 63, .safetensorsHeaderTooLarge), (3, .safetensorsHeaderOutside), (100_000_000, .safetensorsHeaderOutside),
    ])
    func refusesHeaderLengths(length: UInt64, code: UD2MError.Code) throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write(withUnsafeBytes(of: length.littleEndian) { Array($0) } + [0x7B, 0x7D], as: "f")
        let error = expectError(code) { _ = try SafetensorsFile(path: path) }
        #expect(error?.location.byteOffset == 0)
    }

    @Test func unknownFieldsWarnOrFail() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write(
            safetensorsBytes(header: #"{"a":{"extra":[1],\#(Self.entry)}}"#, dataBytes: 8), as: "f")
        #expect(try SafetensorsFile(path: path).warnings.map(\.tensor) == ["a"])
        let error = expectError(.safetensorsUnknownField) { _ = try SafetensorsFile(path: path, isStrict: true) }
        #expect(error?.location.tensor == "a")
    }

    @Test func limitsCanBeLowered() throws {
        let folder = try TemporaryDirectory()
        let header =
            #"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#
        let path = try folder.write(safetensorsBytes(header: header, dataBytes: 0), as: "f")
        #expect(try SafetensorsFile(path: path).entries.count == 2)
        var limits = Limits.standard
        limits.tensors = 1
        expectError(.safetensorsLimit) { _ = try SafetensorsFile(path: path, limits: limits) }
        limits = .standard
        limits.headerBytes = 10
        expectError(.safetensorsHeaderTooLarge) { _ = try SafetensorsFile(path: path, limits: limits) }
    }
}
