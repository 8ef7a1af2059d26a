import UD2MFormats
import UD2MLinearAlgebra
import UD2MRuntime

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Feature statistics in files, as pytorch-fid and clean-fid keep them: an `.npz` archive of `mu` [d] and `sigma` [d, d].
package enum StatisticsFile {
    /// Reads statistics.
    /// - Throws: ``UD2MFormats/UD2MError``: `statistics-file` when an array is missing or has another shape,
    ///   `statistics-invalid`, or what opening the archive throws.
    package static func read(_ path: String) throws -> FeatureStatistics {
        do {
            let checkpoint = try Checkpoint.open(path: path)
            guard checkpoint.container == .npz else {
                throw UD2MError(
                    .statisticsFile, "Statistics are kept in .npz archives; this is \(checkpoint.container.rawValue).")
            }
            let tensors = checkpoint.stateDicts.flatMap(\.tensors)
            let mean = try array("mu", of: tensors, dimensions: 1)
            let covariance = try array("sigma", of: tensors, dimensions: 2)
            return try FeatureStatistics(
                mean: mean.values,
                covariance: try Matrix(
                    rows: covariance.shape[0], columns: covariance.shape[1], values: covariance.values))
        } catch let error as UD2MError {
            throw error.located(in: .init(file: path))
        }
    }

    /// Writes statistics; the file appears complete or not at all.
    /// - Throws: ``UD2MFormats/UD2MError`` with an `output-…` code.
    package static func write(
        _ statistics: FeatureStatistics, to path: String, overwrite: Bool = false, inputs: [String] = []
    ) throws {
        let d = statistics.mean.count
        try NPZWriter(tensors: [
            input("mu", shape: [d], statistics.mean), input("sigma", shape: [d, d], statistics.covariance.values),
        ]).write(to: path, overwrite: overwrite, inputs: inputs)
    }

    private static func input(_ name: String, shape: [Int], _ values: [Double]) -> TensorInput {
        TensorInput(name: TensorName(name), elementType: .f64, shape: shape) { body in
            let bits = values.map { $0.bitPattern.littleEndian }
            try bits.withUnsafeBytes(body)
        }
    }

    private static func array(
        _ name: String, of tensors: [TensorSource], dimensions: Int
    ) throws -> (shape: [Int], values: [Double]) {
        let location = UD2MError.Location(tensor: name)
        guard let tensor = tensors.first(where: { $0.name == TensorName(name) }) else {
            let names = tensors.prefix(10).map(\.name.text).joined(separator: ", ")
            throw UD2MError(.statisticsFile, "The archive has no such array; it has: \(names).", at: location)
        }
        // Checked before anything is read: a file may claim any size.
        guard tensor.shape.count == dimensions, tensor.shape.allSatisfy({ (1...Matrix.maximumSide).contains($0) }),
            [.f64, .f32].contains(tensor.elementType)
        else {
            throw UD2MError(
                .statisticsFile,
                "The array is \(tensor.elementType.rawValue) of shape \(tensor.shape), not "
                    + "\(dimensions == 1 ? "[d]" : "[d, d]") of floating-point numbers.", at: location)
        }
        let count = tensor.shape.reduce(1, *)
        var values = [Double](repeating: 0, count: count)
        let filled = try tensor.withContiguousBytes { bytes in
            values.withUnsafeMutableBufferPointer { tensor.elementType.doubles(bytes, into: $0) }
        }
        guard filled == count else {
            throw UD2MError(.statisticsFile, "The array cannot be read.", at: location)
        }
        return (tensor.shape, values)
    }
}

extension UD2MError.Code {
    /// A file that should hold feature statistics does not.
    static let statisticsFile = UD2MError.Code("statistics-file", .badData)
}
