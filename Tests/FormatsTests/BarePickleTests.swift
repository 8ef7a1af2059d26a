import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// Files that are one pickle, and what is known of pickles that break off (`formats.md` §1, §10).
@Suite struct BarePickleTests {
    /// `os.system('ls')` in every way that picklers write a call, without STOP.
    private static let calls: [[UInt8]] = [
        Array("cposix\nsystem\np0\n(Vls\np1\ntp2\nRp3\n".utf8),
        Array("cposix\nsystem\n(U\u{2}lstR".utf8),
        Array("(S'ls'\niposix\nsystem\n".utf8),
        [0x80, 2] + Array("cposix\nsystem\nU\u{2}ls".utf8) + [0x85, 0x52],
        // A frame that claims more than there is.
        [0x80, 4, 0x95, 99, 0, 0, 0, 0, 0, 0, 0, 0x8C, 5] + Array("posix".utf8) + [0x8C, 6] + Array("system".utf8)
            + [0x93, 0x8C, 2] + Array("ls".utf8) + [0x85, 0x52],
    ]

    private static func scan(_ bytes: [UInt8]) throws -> CheckpointScan {
        let folder = try TemporaryDirectory()
        return try CheckpointScan(path: folder.write(bytes, as: "file"))
    }

    @Test("a call is found in a whole pickle of any protocol", arguments: 0..<4)
    func whole(_ index: Int) throws {
        let scan = try Self.scan(Self.calls[index] + [0x2E])
        #expect(scan.container == .pickle)
        #expect(scan.error == nil)
        #expect(scan.findings.map(\.severity) == [.dangerous])
        #expect(scan.findings.first?.global == "posix.system")
    }

    @Test("a call is found before the place where a pickle breaks off", arguments: 0..<calls.count)
    func broken(_ index: Int) throws {
        for rest in [[], [0xFF, 0xFF, 0xFF], Array("Q".utf8) + [0]] as [[UInt8]] {
            let bytes = Self.calls[index] + rest
            let scan = try Self.scan(bytes)
            #expect(scan.container == nil)
            #expect(scan.error?.code.category == .badData)
            #expect(scan.findings.contains { $0.severity == .dangerous && $0.global == "posix.system" })
            // Opening refuses it as dangerous, not as malformed.
            #expect(thrownError { try Checkpoint.open(bytes: bytes) }?.code == .pickleDangerous)
        }
    }

    @Test("a file that says nothing of a pickle is not scanned as one")
    func texts() throws {
        for text in [
            "learning_rate: 0.1\nsteps: 10 and more\n", "class Net:\n    pass\n and more", "Not a pickle at all.",
        ] {
            let error = thrownError { try Self.scan(Array(text.utf8)) }
            #expect(error?.code == .containerUnknown, "\(text)")
        }
    }

    @Test("a pickle without its archive is told from others")
    func withoutArchive() throws {
        let path = CheckpointFixtureTests.folder.appending(path: "data-without-archive.pkl").path(percentEncoded: false)
        let error = thrownError { try Checkpoint.open(path: path) }
        #expect(error?.code == .barePickle)
        #expect(error?.location.byteOffset != nil)
        let scan = try CheckpointScan(path: path)
        #expect(scan.container == .pickle)
        #expect(scan.error == nil)
        #expect(scan.findings.isEmpty)
    }

    @Test("arrays that share their bytes share their storage")
    func sharedBytes() throws {
        let array =
            "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I2\ntcnumpy\ndtype\n"
            + "(S'u1'\nI0\nI1\ntRI00\n"
        let pickle = "(d" + "S'a'\n" + array + "S'xy'\np0\ntbs" + "S'b'\n" + array + "g0\ntbs."
        let checkpoint = try Checkpoint.open(bytes: Array(pickle.utf8))
        let arrays = checkpoint.looseTensors
        #expect(arrays.map(\.name) == ["a", "b"])
        #expect(arrays.map(\.shape) == [[2], [2]])
        #expect(Set(arrays.map { ObjectIdentifier($0.storage) }).count == 1)
    }
}
