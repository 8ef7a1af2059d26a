import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// Runs `body` and returns the error it must throw; anything else is a failure.
@discardableResult
func expectError(
    _ code: UD2MError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) -> UD2MError? {
    do {
        try body()
        Issue.record("nothing was thrown instead of \(code.name)", sourceLocation: sourceLocation)
    } catch let error as UD2MError {
        #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
        return error
    } catch {
        Issue.record("not a UD2MError: \(error)", sourceLocation: sourceLocation)
    }
    return nil
}

/// A small generator (SplitMix64) for repeatable random tests.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A safetensors file from parts: the header's length, the header, then `dataBytes` zeros.
func safetensorsBytes(header: String, dataBytes: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8)
        + [UInt8](repeating: 0, count: dataBytes)
}

extension TemporaryDirectory {
    /// Writes bytes to a file of the folder and returns its path.
    func write(_ bytes: some Sequence<UInt8>, as name: String) throws -> String {
        let path = path(name)
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }
}

extension TensorInput {
    /// A tensor whose bytes are known.
    init(_ name: TensorName, _ type: ElementType, _ shape: [Int], bytes: [UInt8]) {
        self.init(name: name, elementType: type, shape: shape) { body in try bytes.withUnsafeBytes(body) }
    }
}
