import Testing
import UD2MFormats
import UD2MTestSupport

/// Tensors over storages: layouts, element types, builders and bounds (`formats.md` §5).
@Suite struct TorchTensorTests {
    /// The one tensor of an archive that holds `{"w": …}` over a storage "0" of six floats 1…6.
    private static func tensor(
        storage: [UInt8] = TorchArchive.floats([1, 2, 3, 4, 5, 6]), byteOrder: String = "little",
        _ write: (PickleAssembler) -> Void
    ) throws -> TensorSource {
        let checkpoint = try open(storage: storage, byteOrder: byteOrder, write)
        return try #require(checkpoint.stateDicts.first?.tensors.first)
    }

    private static func open(
        storage: [UInt8] = TorchArchive.floats([1, 2, 3, 4, 5, 6]), byteOrder: String = "little",
        _ write: (PickleAssembler) -> Void
    ) throws -> Checkpoint {
        let pickle = PickleAssembler()
        pickle.op(.emptyDict).text("w")
        write(pickle)
        pickle.op(.setItem)
        return try TorchArchive(pickle: pickle.stopped, storages: ["0": storage], byteOrder: byteOrder).open()
    }

    /// A `_rebuild_tensor_v3` over an untyped storage.
    private static func version3(
        _ pickle: PickleAssembler, bytes: Int, dtype: String, offset: Int = 0, shape: [Int], strides: [Int]
    ) {
        pickle.global("torch._utils", "_rebuild_tensor_v3").op(.mark)
        pickle.storage("0", type: "UntypedStorage", count: bytes).int(offset).ints(shape).ints(strides)
        pickle.op(.newFalse).emptyOrderedDict().global("torch", dtype).op(.tuple).op(.reduce)
    }

    // MARK: Layouts

    private static let layouts: [(shape: [Int], strides: [Int], offset: Int, values: [Float])] = [
        ([2, 3], [3, 1], 0, [1, 2, 3, 4, 5, 6]),
        ([3, 2], [1, 3], 0, [1, 4, 2, 5, 3, 6]),
        ([2, 2], [3, 1], 1, [2, 3, 5, 6]),
        ([], [], 5, [6]),
        ([0, 7], [7, 1], 0, []),
        ([2, 3], [0, 1], 3, [4, 5, 6, 4, 5, 6]),
        ([3, 3], [1, 1], 1, [2, 3, 4, 3, 4, 5, 4, 5, 6]),
        ([1, 3], [999, 2], 1, [2, 4, 6]),
    ]

    @Test(arguments: 0..<Self.layouts.count)
    func gathers(_ index: Int) throws {
        let layout = Self.layouts[index]
        let tensor = try Self.tensor {
            $0.tensor("0", count: 6, offset: layout.offset, shape: layout.shape, strides: layout.strides)
        }
        #expect(tensor.shape == layout.shape)
        #expect(try tensor.floats() == layout.values)
    }

    @Test func contiguousBytesAreTheMappingItself() throws {
        let checkpoint = try TorchArchive.small().open()
        let tensor = checkpoint.stateDicts[0].tensors[0]
        let first = try tensor.withContiguousBytes { UInt(bitPattern: $0.baseAddress) }
        let stored = try tensor.storage.withBytes { UInt(bitPattern: $0.baseAddress) }
        #expect(first == stored)
    }

    @Test func bigEndianIsSwapped() throws {
        let swapped = TorchArchive.floats([1.5, -2]).enumerated().map { index, _ in
            TorchArchive.floats([1.5, -2])[index / 4 * 4 + 3 - index % 4]
        }
        let tensor = try Self.tensor(storage: swapped, byteOrder: "big") {
            $0.tensor("0", count: 2, shape: [2], strides: [1])
        }
        #expect(try tensor.floats() == [1.5, -2])
    }

    /// PyTorch swaps such tensors by the storage's bytes, that is not at all; the tensor's type is the right one.
    @Test func bigEndianSwapsByTheTensorsType() throws {
        let tensor = try Self.tensor(storage: [1, 2, 3, 4], byteOrder: "big") {
            Self.version3($0, bytes: 4, dtype: "uint16", shape: [2], strides: [1])
        }
        #expect(try tensor.withContiguousBytes { Array($0) } == [2, 1, 4, 3])
    }

    @Test func metadataNegatesAndConjugates() throws {
        let tensor = try Self.tensor(storage: TorchArchive.floats([1, 2])) { pickle in
            pickle.global("torch._utils", "_rebuild_tensor_v2").op(.mark)
            pickle.storage("0", type: "ComplexFloatStorage", count: 1).int(0).ints([1]).ints([1]).op(.newFalse)
            pickle.emptyOrderedDict().op(.emptyDict).text("conj").op(.newTrue).op(.setItem).op(.tuple).op(.reduce)
        }
        #expect(tensor.elementType == .c64)
        #expect(tensor.isConjugated && !tensor.isNegated)
        #expect(try tensor.floats() == [1, -2])
    }

    @Test func expansionIsBounded() throws {
        let tensor = try Self.tensor { $0.tensor("0", count: 6, shape: [1 << 30], strides: [0]) }
        #expect(tensor.elementCount == 1 << 30, "inspecting shows it")
        let error = thrownError { try tensor.withContiguousBytes { $0.count } }
        #expect(error?.code == .tensorExpansion)
        #expect(error?.location.tensor == "w")
    }

    // MARK: Element types

    @Test(arguments: [
        ("DoubleStorage", 8, ElementType.f64), ("FloatStorage", 4, .f32), ("HalfStorage", 2, .f16),
        ("BFloat16Storage", 2, .bf16), ("LongStorage", 8, .i64), ("IntStorage", 4, .i32), ("ShortStorage", 2, .i16),
        ("CharStorage", 1, .i8), ("ByteStorage", 1, .u8), ("BoolStorage", 1, .bool), ("ComplexFloatStorage", 8, .c64),
        ("ComplexDoubleStorage", 16, .c128), ("UntypedStorage", 1, .u8),
    ])
    func storageTypes(_ name: String, _ width: Int, _ type: ElementType) throws {
        let tensor = try Self.tensor(storage: [UInt8](repeating: 1, count: 2 * width)) {
            $0.tensor("0", type: name, count: 2, shape: [2], strides: [1])
        }
        #expect(tensor.elementType == type)
        #expect(tensor.byteCount == 2 * width)
    }

    @Test(arguments: [
        ("uint16", 2, ElementType.u16), ("uint32", 4, .u32), ("uint64", 8, .u64), ("float8_e4m3fn", 1, .f8e4m3),
        ("float8_e5m2", 1, .f8e5m2), ("float8_e4m3fnuz", 1, .f8e4m3fnuz), ("float8_e5m2fnuz", 1, .f8e5m2fnuz),
        ("float8_e8m0fnu", 1, .f8e8m0),
    ])
    func version3Types(_ dtype: String, _ width: Int, _ type: ElementType) throws {
        let tensor = try Self.tensor(storage: [UInt8](0..<UInt8(3 * width))) {
            // The offset counts elements of the dtype, the storage bytes.
            Self.version3($0, bytes: 3 * width, dtype: dtype, offset: 1, shape: [2], strides: [1])
        }
        #expect(tensor.elementType == type)
        #expect(try tensor.withContiguousBytes { Array($0) } == [UInt8](UInt8(width)..<UInt8(3 * width)))
    }

    @Test func packedPairsCountValues() throws {
        let tensor = try Self.tensor(storage: [1, 2, 3, 4]) {
            Self.version3($0, bytes: 4, dtype: "float4_e2m1fn_x2", offset: 1, shape: [1, 3], strides: [3, 1])
        }
        #expect(tensor.elementType == .f4)
        #expect(tensor.shape == [1, 6])
        #expect(try tensor.withContiguousBytes { Array($0) } == [2, 3, 4])
    }

    @Test func packedPairsAreGathered() throws {
        // The columns of a 2 × 3 matrix of bytes, and every other byte of a vector.
        let cases: [(shape: [Int], strides: [Int], bytes: [UInt8])] = [
            ([3, 2], [1, 3], [1, 4, 2, 5, 3, 6]), ([3], [2], [1, 3, 5]),
        ]
        for (shape, strides, expected) in cases {
            let tensor = try Self.tensor(storage: [1, 2, 3, 4, 5, 6]) {
                Self.version3($0, bytes: 6, dtype: "float4_e2m1fn_x2", shape: shape, strides: strides)
            }
            #expect(tensor.elementType == .f4)
            #expect(tensor.shape == Array(shape.dropLast()) + [2 * shape[shape.count - 1]])
            #expect(try tensor.withContiguousBytes { Array($0) } == expected)
        }
    }

    @Test func packedPairsThatCannotBeCountedSayWhy() throws {
        let cases: [(shape: [Int], strides: [Int], reason: String)] = [
            ([], [], "without dimensions"), ([4, 3], [0, 1], "repeats stored bytes"),
        ]
        for (shape, strides, reason) in cases {
            let checkpoint = try Self.open(storage: [1, 2, 3, 4]) {
                Self.version3($0, bytes: 4, dtype: "float4_e2m1fn_x2", shape: shape, strides: strides)
            }
            #expect(checkpoint.stateDicts.isEmpty)
            #expect(checkpoint.skipped.first?.reason.contains(reason) == true)
        }
    }

    // MARK: Builders

    private static let wrapped: [(name: String, write: @Sendable (PickleAssembler) -> Void)] = [
        (
            "_rebuild_tensor",
            { pickle in
                pickle.global("torch._utils", "_rebuild_tensor").op(.mark)
                pickle.storage("0", count: 6).int(4).ints([2]).ints([1]).op(.tuple).op(.reduce)
            }
        ),
        (
            "_rebuild_parameter",
            { pickle in
                pickle.global("torch._utils", "_rebuild_parameter").op(.mark)
                pickle.tensor("0", count: 6, offset: 4, shape: [2], strides: [1]).op(.newTrue).emptyOrderedDict()
                pickle.op(.tuple).op(.reduce)
            }
        ),
        (
            "_rebuild_from_type_v2 of a module before 1.8",
            { pickle in
                pickle.global("torch.tensor", "_rebuild_from_type_v2").op(.mark)
                pickle.global("torch._utils", "_rebuild_tensor_v2").global("my", "Subclass").op(.mark)
                pickle.storage("0", count: 6).int(4).ints([2]).ints([1]).op(.newFalse).emptyOrderedDict().op(.tuple)
                pickle.op(.emptyDict).op(.tuple).op(.reduce)
            }
        ),
        (
            "torch.Size as size",
            { pickle in
                pickle.global("torch._utils", "_rebuild_tensor").op(.mark).storage("0", count: 6).int(4)
                pickle.global("torch", "Size").ints([2]).op(.tuple1).op(.reduce).ints([1]).op(.tuple).op(.reduce)
            }
        ),
    ]

    @Test(arguments: 0..<Self.wrapped.count)
    func builders(_ index: Int) throws {
        let tensor = try Self.tensor(Self.wrapped[index].write)
        #expect(try tensor.floats() == [5, 6], "\(Self.wrapped[index].name)")
    }

    @Test func stateOfAParameterIsWalked() throws {
        let checkpoint = try Self.open { pickle in
            pickle.global("torch._utils", "_rebuild_parameter_with_state").op(.mark)
            pickle.tensor("0", count: 6, shape: [1], strides: [1]).op(.newTrue).emptyOrderedDict()
            pickle.op(.emptyDict).text("scale").tensor("0", count: 6, offset: 3, shape: [1], strides: [1])
            pickle.op(.setItem).op(.tuple).op(.reduce)
        }
        #expect(checkpoint.stateDicts.map { $0.tensors.map(\.name) } == [["w"], ["scale"]])
        #expect(checkpoint.skipped.isEmpty)
    }

    @Test func bareStoragesAreOneDimensional() throws {
        let tensor = try Self.tensor { $0.storage("0", count: 6) }
        #expect(tensor.shape == [6])
    }

    @Test func sharedStoragesAreOneObject() throws {
        let pickle = PickleAssembler()
        pickle.op(.emptyDict).op(.mark)
        for name in ["a", "b"] {
            pickle.text(name).tensor("0", count: 6, shape: [6], strides: [1])
        }
        pickle.op(.setItems)
        let checkpoint = try TorchArchive(
            pickle: pickle.stopped, storages: ["0": TorchArchive.floats([1, 2, 3, 4, 5, 6])]
        ).open()
        let tensors = checkpoint.stateDicts[0].tensors
        #expect(tensors[0].storage === tensors[1].storage)
    }

    private static let undeliverable: [(name: String, write: @Sendable (PickleAssembler) -> Void)] = [
        ("unknown storage class", { $0.tensor("0", type: "Float3Storage", count: 6, shape: [1], strides: [1]) }),
        ("unknown dtype", { version3($0, bytes: 24, dtype: "float1", shape: [1], strides: [1]) }),
        (
            "meta",
            { pickle in
                pickle.global("torch._utils", "_rebuild_meta_tensor_no_storage").op(.mark).global("torch", "float32")
                pickle.ints([2]).ints([1]).op(.newFalse).op(.tuple).op(.reduce)
            }
        ),
    ]

    @Test(arguments: 0..<Self.undeliverable.count)
    func listsWhatItCannotDeliver(_ index: Int) throws {
        let checkpoint = try Self.open(Self.undeliverable[index].write)
        #expect(checkpoint.stateDicts.isEmpty)
        #expect(checkpoint.skipped.first?.path == ["w"], "\(Self.undeliverable[index].name)")
    }

    @Test func tensorsOutsideTheRootAreListed() throws {
        let pickle = PickleAssembler()
        pickle.tensor("0", count: 1, shape: [1], strides: [1]).op(.pop).op(.emptyDict)
        let checkpoint = try TorchArchive(pickle: pickle.stopped, storages: ["0": TorchArchive.floats([1])]).open()
        #expect(checkpoint.skipped.count == 1)
    }

    // MARK: Bounds

    private static let lies: [(name: String, code: UD2MError.Code, write: @Sendable (PickleAssembler) -> Void)] = [
        ("past the end", .torchTensorBounds, { $0.tensor("0", count: 6, shape: [7], strides: [1]) }),
        ("offset past the end", .torchTensorBounds, { $0.tensor("0", count: 6, offset: 6, shape: [1], strides: [1]) }),
        ("stride past the end", .torchTensorBounds, { $0.tensor("0", count: 6, shape: [2], strides: [6]) }),
        (
            "stride that overflows", .torchTensorBounds,
            {
                $0.tensor("0", count: 6, shape: [3], strides: [Int.max / 2 + 1])
            }
        ),
        (
            "offset that overflows", .torchTensorBounds,
            { $0.tensor("0", count: 6, offset: .max, shape: [1], strides: [1]) }
        ),
        (
            "product that wraps to zero", .torchTensorBounds,
            {
                $0.tensor("0", count: 6, shape: [1 << 31, 1 << 31, 4], strides: [0, 0, 0])
            }
        ),
        ("negative size", .torchTensorMalformed, { $0.tensor("0", count: 6, shape: [-1], strides: [1]) }),
        ("negative stride", .torchTensorMalformed, { $0.tensor("0", count: 6, shape: [1], strides: [-1]) }),
        (
            "negative offset", .torchTensorMalformed,
            {
                $0.tensor("0", count: 6, offset: -1, shape: [1], strides: [1])
            }
        ),
        ("ranks that differ", .torchTensorMalformed, { $0.tensor("0", count: 6, shape: [1, 1], strides: [1]) }),
        (
            "rank 65", .torchTensorMalformed,
            {
                $0.tensor(
                    "0", count: 6, shape: [Int](repeating: 1, count: 65), strides: [Int](repeating: 1, count: 65))
            }
        ),
        (
            "a bool as size", .torchTensorMalformed,
            { pickle in
                pickle.global("torch._utils", "_rebuild_tensor").op(.mark).storage("0", count: 6).int(0)
                pickle.op(.newTrue).op(.tuple1).ints([1]).op(.tuple).op(.reduce)
            }
        ),
        (
            "a float as offset", .torchTensorMalformed,
            { pickle in
                pickle.global("torch._utils", "_rebuild_tensor").op(.mark).storage("0", count: 6)
                pickle.op(.binFloat, [UInt8](repeating: 0, count: 8)).ints([1]).ints([1]).op(.tuple).op(.reduce)
            }
        ),
        (
            "no storage", .torchTensorMalformed,
            { pickle in
                pickle.global("torch._utils", "_rebuild_tensor").op(.mark).op(.none).int(0).ints([1]).ints([1])
                pickle.op(.tuple).op(.reduce)
            }
        ),
        (
            "state on a tensor", .torchTensorMalformed,
            {
                $0.tensor("0", count: 6, shape: [1], strides: [1]).op(.emptyDict).op(.build)
            }
        ),
        (
            "a quantised tensor past the end", .torchTensorBounds,
            { pickle in
                pickle.global("torch._utils", "_rebuild_qtensor").op(.mark)
                pickle.storage("0", type: "QInt32Storage", count: 6).int(0).ints([2]).ints([99]).op(.emptyTuple)
                pickle.op(.newFalse).emptyOrderedDict().op(.tuple).op(.reduce)
            }
        ),
        ("a record too short", .torchStorageSize, { $0.tensor("0", count: 7, shape: [1], strides: [1]) }),
        ("a record too long", .torchStorageSize, { $0.tensor("0", count: 5, shape: [1], strides: [1]) }),
        ("a size that overflows", .torchStorageSize, { $0.storage("0", count: Int.max) }),
        ("no record", .torchStorageMissing, { $0.tensor("1", count: 6, shape: [1], strides: [1]) }),
        (
            "one record, two types", .torchStorageSize,
            {
                $0.storage("0", count: 6).storage("0", type: "IntStorage", count: 6).op(.tuple2)
            }
        ),
        ("negative count", .torchPersistentID, { $0.storage("0", count: -1) }),
        ("id of text", .torchPersistentID, { $0.text("0").op(.binPersID) }),
        (
            "id that is no storage", .torchPersistentID,
            { pickle in
                pickle.op(.mark).text("module").global("torch", "FloatStorage").text("0").text("cpu").int(6).op(.tuple)
                pickle.op(.binPersID)
            }
        ),
        (
            "id of a class that is no storage", .torchPersistentID,
            { pickle in
                pickle.op(.mark).text("storage").global("os", "FloatStorage").text("0").text("cpu").int(6).op(.tuple)
                pickle.op(.binPersID)
            }
        ),
    ]

    @Test(arguments: 0..<Self.lies.count)
    func refuses(_ index: Int) {
        let test = Self.lies[index]
        let error = thrownError { try Self.open(test.write) }
        #expect(error?.code == test.code, "\(test.name)")
        #expect(error?.location.entry == "archive/data.pkl", "\(test.name)")
        #expect(error?.location.byteOffset != nil, "\(test.name)")
    }
}
