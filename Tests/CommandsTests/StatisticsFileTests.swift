import Foundation
import Testing
import UD2MCommands
import UD2MFormats
import UD2MLinearAlgebra
import UD2MRuntime
import UD2MTestSupport

/// Files of feature statistics as pytorch-fid keeps them.
@Suite struct StatisticsFileTests {
    private func archive(_ arrays: [(String, ElementType, [Int])], in folder: TemporaryDirectory) throws -> String {
        let path = folder.path("\(UUID().uuidString).npz")
        try NPZWriter(
            tensors: arrays.map { name, type, shape in
                let bytes = [UInt8](repeating: 0, count: type.byteCount(shape: shape) ?? 0)
                return TensorInput(name: TensorName(name), elementType: type, shape: shape) { body in
                    try bytes.withUnsafeBytes(body)
                }
            }
        ).write(to: path)
        return path
    }

    @Test func whatIsWrittenIsReadExactly() throws {
        let folder = try TemporaryDirectory()
        let statistics = try FeatureStatistics(
            mean: [0.1, -2], covariance: Matrix(rows: 2, columns: 2, values: [1 / 3, 0.25, 0.25, 7]))
        let path = folder.path("s.npz")
        try StatisticsFile.write(statistics, to: path)
        #expect(try StatisticsFile.read(path) == statistics)
        let error = #expect(throws: UD2MError.self) { try StatisticsFile.write(statistics, to: path) }
        #expect(error?.code == .outputExists)
    }

    @Test func otherArraysAreRefused() throws {
        let folder = try TemporaryDirectory()
        let square = ("sigma", ElementType.f64, [2, 2])
        for arrays in [
            [("mu", .f64, [2])], [square], [("mu", .f64, [2, 1]), square], [("mu", .i64, [2]), square],
            [("mu", .f64, [0]), square], [("mu", .f64, [2]), ("sigma", .f64, [4])],
        ] as [[(String, ElementType, [Int])]] {
            let path = try archive(arrays, in: folder)
            let error = #expect(throws: UD2MError.self) { try StatisticsFile.read(path) }
            #expect(error?.code.name == "statistics-file")
            #expect(error?.location.file == path)
        }
        let unfit = try archive([("mu", .f64, [3]), square], in: folder)
        #expect(throws: UD2MError.self) { try StatisticsFile.read(unfit) }
        // Single precision, as some programs write it, is taken.
        let single = try archive([("mu", .f32, [2]), ("sigma", .f32, [2, 2])], in: folder)
        #expect(try StatisticsFile.read(single).mean == [0, 0])
    }
}
