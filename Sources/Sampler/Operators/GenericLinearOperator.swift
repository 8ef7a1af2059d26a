import UD2MFormats
import UD2MRuntime

/// Any linear operator, given as its map and the map's transpose.
public struct GenericLinearOperator: IterativeLinearOperator {
    /// A map of one plane, row-major.
    public typealias PlaneMap = @Sendable ([Double]) throws -> [Double]

    /// The operator's name in reports.
    public let name: String
    /// What defines the operator, for reports.
    public let parameters: [OperatorParameter]
    /// The size of an image's planes.
    public let imageSize: PlaneSize
    /// The size of an observation's planes.
    public let observationSize: PlaneSize
    /// When iterations stop.
    public let limits: IterationLimits
    private let forward: PlaneMap
    private let backward: PlaneMap

    /// Creates an operator, and tries on one random plane that `adjoint` is the transpose of `apply`.
    /// - Parameters:
    ///   - name: The name in reports.
    ///   - parameters: Facts for reports.
    ///   - imageSize: The size of the planes that `apply` takes.
    ///   - observationSize: The size of the planes that it gives.
    ///   - limits: When iterations stop.
    ///   - apply: A.
    ///   - adjoint: Aᵀ.
    /// - Throws: `UD2MError` with code `operator-shape` for a size that is empty, overflows or is not that of the maps'
    ///   results; `operator-parameter` when ⟨Ax, y⟩ and ⟨x, Aᵀy⟩ differ or are not finite; what the maps throw.
    public init(
        name: String = "linear", parameters: [OperatorParameter] = [], imageSize: PlaneSize,
        observationSize: PlaneSize, limits: IterationLimits, apply: @escaping PlaneMap, adjoint: @escaping PlaneMap
    ) throws {
        try imageSize.requireSound()
        try observationSize.requireSound()
        self.name = name
        self.parameters = parameters
        self.imageSize = imageSize
        self.observationSize = observationSize
        self.limits = limits
        forward = apply
        backward = adjoint
        try requireTranspose()
    }

    /// A matrix with one row for each number of an observation, which is a single row of pixels.
    /// - Parameters:
    ///   - values: The matrix, row-major; its columns are the image's pixels.
    ///   - imageSize: The size of an image's planes.
    ///   - limits: When iterations stop.
    /// - Returns: The operator.
    /// - Throws: `UD2MError` with code `operator-shape` unless the values fill whole rows; `operator-parameter` unless
    ///   they are finite.
    public static func matrix(
        _ values: [Double], imageSize: PlaneSize, limits: IterationLimits
    ) throws -> GenericLinearOperator {
        try imageSize.requireSound()
        let columns = imageSize.count
        let rows = values.count / columns
        guard rows > 0, rows * columns == values.count else {
            throw UD2MError(
                .operatorShape,
                "A matrix of \(values.count) numbers does not have rows of \(imageSize.width)×\(imageSize.height) pixels."
            )
        }
        guard values.allSatisfy({ $0.isFinite }) else {
            throw UD2MError(.operatorParameter, "A measurement matrix must hold finite numbers.")
        }
        return try GenericLinearOperator(
            name: "matrix", parameters: [OperatorParameter("rows", .integer(rows))], imageSize: imageSize,
            observationSize: PlaneSize(height: 1, width: rows), limits: limits,
            apply: { plane in
                (0..<rows).map { row in
                    var sum = 0.0
                    for column in 0..<columns { sum += values[row * columns + column] * plane[column] }
                    return sum
                }
            },
            adjoint: { plane in
                var result = [Double](repeating: 0, count: columns)
                for row in 0..<rows {
                    for column in 0..<columns { result[column] += values[row * columns + column] * plane[row] }
                }
                return result
            })
    }

    /// A matrix's numbers, taking a single row of observed pixels for one, and the vectors of conjugate gradients.
    public var memory: OperatorMemory {
        OperatorMemory(
            bytesPerPixel: 80 + (observationSize.height == 1 ? 8 * observationSize.width : 0), bytesPerValue: 24)
    }

    /// A of one plane.
    public func applied(to plane: [Double]) throws -> [Double] {
        try checked(try forward(plane), observationSize)
    }

    /// Aᵀ of one plane.
    public func transposed(of plane: [Double]) throws -> [Double] {
        try checked(try backward(plane), imageSize)
    }

    private func checked(_ plane: [Double], _ size: PlaneSize) throws -> [Double] {
        guard plane.count == size.count else {
            throw UD2MError(
                .operatorShape, "The linear map gave \(plane.count) numbers instead of \(size.width)×\(size.height).")
        }
        return plane
    }

    private func requireTranspose() throws {
        func random(_ size: PlaneSize, _ seed: UInt64) throws -> [Double] {
            try PhiloxNoise(seed: seed).normals(.observation, sample: 0, shape: [size.count]).values.map { Double($0) }
        }
        let (x, y) = (try random(imageSize, 1), try random(observationSize, 2))
        let (image, back) = (try applied(to: x), try transposed(of: y))
        let inner = PlaneConjugateGradients.inner
        let (left, right) = (inner(image, y), inner(x, back))
        let scale = (inner(image, image) * inner(y, y)).squareRoot() + (inner(x, x) * inner(back, back)).squareRoot()
        guard abs(left - right) <= 1e-6 * scale, scale.isFinite else {
            throw UD2MError(
                .operatorParameter,
                "The adjoint is not the transpose of the map: ⟨Ax, y⟩ is \(left) and ⟨x, Aᵀy⟩ \(right).")
        }
    }
}
