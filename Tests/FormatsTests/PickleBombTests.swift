import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// Pickles that are small and want to be large, slow or deep.
@Suite struct PickleBombTests {
    /// A million nested lists: parsed, walked and released without recursion.
    @Test func deepNestingIsFlat() throws {
        let depth = 1_000_000
        var bytes: [UInt8] = [0x80, 2]
        bytes += [UInt8](repeating: PickleOpcode.emptyList.rawValue, count: depth)
        bytes += [UInt8](repeating: PickleOpcode.append.rawValue, count: depth - 1)
        bytes.append(PickleOpcode.stop.rawValue)
        let checkpoint = try TorchArchive(pickle: bytes).open()
        #expect(checkpoint.stateDicts.isEmpty)
        #expect(checkpoint.skipped.count == 1, "what is too deep is said")
    }

    @Test func deepTuplesAndMarksAreFlat() throws {
        var bytes: [UInt8] = [0x80, 2, PickleOpcode.none.rawValue]
        bytes += [UInt8](repeating: PickleOpcode.tuple1.rawValue, count: 1_000_000)
        _ = try TorchArchive(pickle: bytes + [PickleOpcode.stop.rawValue]).open()

        bytes = [0x80, 2] + [UInt8](repeating: PickleOpcode.mark.rawValue, count: 1_000_000)
        let error = thrownError { try TorchArchive(pickle: bytes + [PickleOpcode.stop.rawValue]).open() }
        #expect(error?.code == .pickleStackLeftover)
    }

    /// Each level holds the one below twice: 2⁶⁰ leaves on paper.
    @Test func billionLaughsAreLinear() throws {
        let pickle = PickleAssembler()
        pickle.op(.none)
        for _ in 0..<60 { pickle.op(.dup).op(.tuple2) }
        let checkpoint = try TorchArchive(pickle: pickle.stopped).open()
        #expect(checkpoint.stateDicts.isEmpty)
    }

    @Test func dupStormsAreLinear() throws {
        let pickle = PickleAssembler()
        pickle.op(.mark).op(.emptyList)
        for _ in 0..<200_000 { pickle.op(.dup) }
        pickle.op(.tuple)
        _ = try TorchArchive(pickle: pickle.stopped).open()
    }

    /// One dict of many entries under many keys: the product would be 10¹⁰.
    @Test func sharedMappingsAreEnteredOnce() throws {
        let pickle = PickleAssembler()
        pickle.op(.emptyDict).op(.mark)
        for index in 0..<100_000 { pickle.int(index).op(.none) }
        pickle.op(.setItems).op(.binPut, [0]).op(.pop)
        pickle.op(.emptyList).op(.mark)
        for _ in 0..<100_000 { pickle.op(.binGet, [0]) }
        pickle.op(.appends)
        _ = try TorchArchive(pickle: pickle.stopped).open()
    }

    /// The same, for states of objects: the walk stops at its budget instead of going on for hours.
    @Test func sharedStatesAreBounded() {
        var limits = Limits()
        limits.pickleOperations = 5_000_000
        let pickle = PickleAssembler()
        pickle.op(.emptyDict).op(.mark)
        for index in 0..<50_000 { pickle.int(index).op(.none) }
        pickle.op(.setItems).op(.binPut, [0]).op(.pop)
        pickle.global("m", "C").op(.binPut, [1]).op(.pop)
        pickle.op(.emptyList).op(.mark)
        for _ in 0..<50_000 { pickle.op(.binGet, [1]).op(.emptyTuple).op(.newObj).op(.binGet, [0]).op(.build) }
        pickle.op(.appends)
        let error = thrownError { try TorchArchive(pickle: pickle.stopped).open(limits: limits) }
        #expect(error?.code == .pickleLimit)
    }

    /// Steps go with the pickle's size: a floor for small ones, so many a value for large ones, whichever is more.
    @Test func stepsOfTheWalkAreBounded() throws {
        let path = RepositoryPaths.fixtures.appending(path: "checkpoints/zip-module.pt").path(percentEncoded: false)
        var limits = Limits()
        limits.walkStepsPerNode = 0
        #expect(try Checkpoint.open(path: path, limits: limits).stateDicts.isEmpty == false)
        limits.walkSteps = 10
        let error = thrownError { try Checkpoint.open(path: path, limits: limits) }
        #expect(error?.code == .pickleLimit && error?.remedy?.contains("walk-steps") == true)
        limits.walkStepsPerNode = 8
        #expect(try Checkpoint.open(path: path, limits: limits).stateDicts.isEmpty == false)
        limits.pickleOperations = 10
        #expect(thrownError { try Checkpoint.open(path: path, limits: limits) }?.code == .pickleLimit)
    }

    @Test func cyclesEnd() throws {
        let pickle = PickleAssembler()
        pickle.op(.emptyDict).op(.binPut, [0])
        pickle.text("self").op(.binGet, [0]).op(.setItem)
        pickle.text("w").tensor("0", count: 1, shape: [1], strides: [1]).op(.setItem)
        let checkpoint = try TorchArchive(pickle: pickle.stopped, storages: ["0": TorchArchive.floats([1])]).open()
        #expect(checkpoint.stateDicts.map(\.path) == [[], ["self"]])
    }

    @Test func tensorsAreLimited() {
        var limits = Limits()
        limits.tensors = 3
        let pickle = PickleAssembler()
        pickle.op(.emptyDict)
        for index in 0..<4 {
            pickle.text("w\(index)").tensor("0", count: 1, shape: [1], strides: [1]).op(.setItem)
        }
        let archive = TorchArchive(pickle: pickle.stopped, storages: ["0": TorchArchive.floats([1])])
        #expect(thrownError { try archive.open(limits: limits) }?.code == .torchTensorLimit)
    }
}
