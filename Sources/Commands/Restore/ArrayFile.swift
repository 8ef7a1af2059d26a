import UD2MFormats
import UD2MImaging
import UD2MSampler

/// Arrays of numbers that operators are made of: blur kernels and measurement matrices.
struct ArrayFile {
    let rows: Int
    let columns: Int
    let values: [Double]

    /// The most numbers that are read.
    static let largestCount = 1 << 26

    /// Types that hold real numbers.
    private static let realTypes: Set<ElementType> = [
        .f64, .f32, .f16, .i64, .i32, .i16, .i8, .u64, .u32, .u16, .u8,
    ]

    /// Reads a two-dimensional `.npy` array of real numbers.
    /// - Throws: ``UD2MFormats/UD2MError``: `operator-array` for anything else, or what opening the file throws.
    init(npy path: String) throws {
        do {
            let checkpoint = try Checkpoint.open(path: path)
            guard checkpoint.container == .npy, let tensor = checkpoint.looseTensors.first else {
                throw UD2MError(.operatorArray, "This is not an .npy array.")
            }
            // Checked before anything is read: a file may claim any size.
            guard tensor.shape.count == 2, tensor.shape.allSatisfy({ (1...Self.largestCount).contains($0) }),
                tensor.shape[0] * tensor.shape[1] <= Self.largestCount,
                Self.realTypes.contains(tensor.elementType)
            else {
                throw UD2MError(
                    .operatorArray,
                    "The array is \(tensor.elementType.rawValue) of shape \(tensor.shape), not [rows, columns] of "
                        + "real numbers.", remedy: "Save a two-dimensional array with astype('float64').")
            }
            let count = tensor.shape[0] * tensor.shape[1]
            var values = [Double](repeating: 0, count: count)
            let filled = try tensor.withContiguousBytes { bytes in
                values.withUnsafeMutableBufferPointer { tensor.elementType.doubles(bytes, into: $0) }
            }
            guard filled == count else { throw UD2MError(.operatorArray, "The array cannot be read.") }
            (rows, columns) = (tensor.shape[0], tensor.shape[1])
            self.values = values
        } catch let error as UD2MError {
            throw error.located(in: .init(file: path))
        }
    }

    /// A blur kernel from an `.npy` array or, by any other suffix, the brightness of an image; its sum becomes 1.
    /// - Throws: ``UD2MFormats/UD2MError`` (`kernel-invalid`, `operator-array`) or ``UD2MImaging/ImageError``.
    static func kernel(_ path: String) throws -> BlurKernel {
        do {
            if path.hasSuffix(".npy") {
                let array = try ArrayFile(npy: path)
                return try .pointSpread(
                    rows: array.rows, columns: array.columns, values: array.values, summary: "file")
            }
            let image = try ImageFile.read(path).image.grey
            return try .pointSpread(
                rows: image.height, columns: image.width, values: image.values.map { Double($0) }, summary: "file")
        } catch let error as UD2MError {
            throw error.located(in: .init(file: path))
        }
    }
}

extension UD2MError.Code {
    /// A file that should hold an operator's numbers does not.
    static let operatorArray = UD2MError.Code("operator-array", .badData)
}
