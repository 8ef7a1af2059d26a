import Foundation
import UD2MFormats
import UD2MLoRA
import UD2MTestSupport

/// Adapters and bases made of numbers in memory, and those of `Tests/Fixtures/lora`.
enum AdapterFixture {
    static func path(_ name: String) -> String {
        RepositoryPaths.fixtures.appending(path: name).path(percentEncoded: false)
    }

    /// A base in a file.
    static func base(_ name: String) throws -> AdapterBase {
        let checkpoint = try Checkpoint.open(path: path(name))
        return AdapterBase(path: name, tensors: checkpoint.stateDicts.first?.tensors ?? [])
    }

    /// A base in memory: names, shapes and numbers.
    static func base(_ tensors: [(String, [Int], [Float])]) -> AdapterBase {
        AdapterBase(path: "base", tensors: tensors.map { TensorSource($0.0, $0.2, shape: $0.1) })
    }

    /// An adapter in a file or folder.
    static func adapter(_ name: String) throws -> Adapter { try Adapter(AdapterFile(path: path(name))) }

    /// An adapter in memory.
    static func adapter(
        _ tensors: [(String, [Int])], configuration: String? = nil, metadata: [String: String] = [:],
        alpha: StandardAlpha? = nil
    ) throws -> Adapter {
        try adapter(
            tensors.map { TensorSource($0.0, numbers($0.0, $0.1), shape: $0.1) }, configuration: configuration,
            metadata: metadata, alpha: alpha)
    }

    /// An adapter of given tensors.
    static func adapter(
        _ tensors: [TensorSource], configuration: String? = nil, metadata: [String: String] = [:],
        alpha: StandardAlpha? = nil
    ) throws -> Adapter {
        let stateDict = StateDict(path: [], tensors: tensors)
        let checkpoint = Checkpoint(
            path: "adapter", container: .safetensors, fileSize: 0, stateDicts: [stateDict], metadata: metadata)
        return try Adapter(
            AdapterFile(
                checkpoint: checkpoint, stateDict: stateDict,
                configuration: configuration.map { try JSONValue(parsing: $0) }), alpha: alpha)
    }

    /// Numbers that follow from a name.
    static func numbers(_ name: String, _ shape: [Int]) -> [Float] {
        PortableWeights.uniform("lora:\(name)", count: shape.reduce(1, *))
    }

    /// The tensors of a base with an adapter merged in, by name.
    static func merge(
        _ adapters: [(Adapter, Double)], into base: AdapterBase, arithmetic: MergeArithmetic = .f32
    ) throws -> [String: [Float]] {
        let plan = MergePlan(
            base: base,
            adapters: try adapters.map { adapter, strength in
                let binding = try AdapterBinding(adapter, to: base)
                try binding.requireComplete(base: base.path, allowUnmatched: false)
                return WeightedAdapter(binding, strength: strength)
            }, arithmetic: arithmetic)
        return Dictionary(
            try plan.tensors.map { ($0.name.text, try $0.floats()) }, uniquingKeysWith: { first, _ in first })
    }
}

/// Numbers in memory as a tensor's storage.
private final class MemoryStorage: TensorStorage {
    let key = "memory"
    let isBigEndian = false
    let bytes: [UInt8]
    var byteCount: Int { bytes.count }

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try bytes.withUnsafeBytes(body)
    }
}

extension TensorSource {
    /// A dense tensor of single-precision numbers, or of another type converted from them.
    init(_ name: String, _ floats: [Float], shape: [Int], as type: ElementType = .f32) {
        var bytes = floats.withUnsafeBytes { Array($0) }
        if type != .f32 {
            var loss = ConversionLoss()
            var target = [UInt8](repeating: 0, count: floats.count * (type.byteWidth ?? 0))
            try? floats.withUnsafeBytes { source in
                try target.withUnsafeMutableBytes {
                    try ElementType.f32.convert(source, to: type, into: $0, loss: &loss)
                }
            }
            bytes = target
        }
        self.init(
            name: TensorName(name), path: [name], elementType: type, shape: shape,
            strides: TensorSource.denseStrides(shape), elementOffset: 0, storage: MemoryStorage(bytes))
    }
}
