import CUD2MKernels
import UD2MFormats

/// A function that stands for an `external` operation of a graph.
///
/// It gets the operation's maps, each [1, C, H, W], and the index of the item in the batch, and gives a map
/// [1, channels, H, W]. It runs on the thread of the run's caller and must not run the same network.
package typealias ExternalFunction = @Sendable (_ maps: [Tensor], _ item: Int) throws -> Tensor

/// A map in blocks, as it is copied to planar memory: the runs of its channels and their blocks.
struct BlockMap {
    var runs: [(channels: Int, blocks: ExecutionPlan.ReadOnlyBlocks)]
    var height: Int
    var width: Int

    var channels: Int { runs.reduce(0) { $0 + $1.channels } }

    /// Writes all channels in the order C, H, W.
    func unpack(_ pool: OpaquePointer?, to destination: UnsafeMutablePointer<Float>) {
        var destination = destination
        for (channels, blocks) in runs {
            ud2m_unpack_planes(pool, blocks, Int32(channels), Int32(height), Int32(width), destination)
            destination += channels * height * width
        }
    }

    /// The map as a tensor [1, C, H, W].
    fileprivate func tensor(_ pool: OpaquePointer?) throws -> Tensor {
        var tensor = try Tensor(shape: [1, channels, height, width], repeating: 0)
        tensor.withMutableValues { values in
            if let start = values.baseAddress { unpack(pool, to: start) }
        }
        return tensor
    }
}

/// A call of a function that the run's caller gives.
struct ExternalCall {
    var name: String
    var inputs: [BlockMap]
    var channels: Int
    var output: ExecutionPlan.Blocks

    /// Calls the function of this name.
    /// - Throws: `input-missing` when there is none, `external-result` when its result has another shape, and what the
    ///   function throws.
    func run(_ pool: OpaquePointer?, item: Int, _ functions: [String: ExternalFunction]) throws {
        guard let function = functions[name], let first = inputs.first else {
            throw UD2MError(.inputMissing, "The run needs a function of this name.", at: .init(tensor: name))
        }
        let result = try function(try inputs.map { try $0.tensor(pool) }, item)
        guard result.shape == [1, channels, first.height, first.width] else {
            throw UD2MError(
                .externalResult,
                "The function gave \(result.shape), not [1, \(channels), \(first.height), \(first.width)].",
                at: .init(tensor: name))
        }
        result.values.withUnsafeBufferPointer { values in
            ud2m_pack_planes(
                pool, values.baseAddress, Int32(channels), Int32(first.height), Int32(first.width), output)
        }
    }
}
