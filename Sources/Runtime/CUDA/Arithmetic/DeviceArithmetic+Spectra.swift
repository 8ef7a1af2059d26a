import CUD2MCUDA
import UD2MFormats

/// What happens to the spectrum m of an image. Λ, the transfer function of a blur, is [H, W, 2].
package enum DeviceFilter {
    /// Λm.
    case blur(DeviceTensor)
    /// Λ̄m.
    case adjoint(DeviceTensor)
    /// |Λ|²m.
    case power(DeviceTensor)
    /// (Λ̄y + τm)/(|Λ|² + τ), the least-squares solution of deblurring, with the spectrum y of the observation.
    case tikhonov(DeviceTensor, observed: DeviceTensor, weight: Double)
}

/// Fourier transforms of images, NCHW, two channels as one complex image (the last of an odd number alone), and what is
/// done to their spectra, [⌈C/2⌉ · N, H, W, 2]. Numbers are float32.
extension DeviceArithmetic {
    /// The longest side of an image that is transformed.
    package static var longestSide: Int { FourierTables.longest }

    /// The spectra of images, unscaled.
    package func spectrum(_ images: DeviceMix) throws -> DeviceTensor {
        try context.run { [self] in
            let work = try SpectralWork(images, self)
            try work.transformRows(images)
            try work.transformColumns()
            return work.spectrum
        }
    }

    /// Images whose spectra went through a filter.
    package func filtered(_ images: DeviceMix, _ filter: DeviceFilter) throws -> DeviceTensor {
        try context.run { [self] in
            let work = try SpectralWork(images, self)
            let output = try tensor(images.shape)
            let task = try work.columns(filter)
            try work.transformRows(images)
            try work.transformColumns(task)
            try work.transformRows(backTo: output)
            return output
        }
    }

    /// The least-squares solution of super-resolution: of a blur followed by the first of every `factor`² pixels.
    /// - Parameters:
    ///   - images: m.
    ///   - transfer: Λ, [H, W, 2].
    ///   - observed: The spectra of the observation, which is smaller by `factor`.
    ///   - factor: How many times as large an image is.
    ///   - weight: τ.
    /// - Returns: Images of the shape of m.
    /// - Throws: As ``DeviceArithmetic`` says.
    package func superResolved(
        _ images: DeviceMix, transfer: DeviceTensor, observed: DeviceTensor, factor: Int, weight: Double
    ) throws -> DeviceTensor {
        try context.run { [self] in
            let work = try SpectralWork(images, self)
            let output = try tensor(images.shape)
            let (height, width) = (work.height / max(factor, 1), work.width / max(factor, 1))
            try Self.require(
                factor > 0 && height * factor == work.height && width * factor == work.width
                    && transfer.shape == [work.height, work.width, 2]
                    && observed.shape == [work.count, height, width, 2],
                "Images of \(images.shape) do not fit spectra of \(observed.shape).")
            try work.transformRows(images)
            try work.transformColumns()
            try launch(
                "super_resolution", Self.grid(height * width, planes: work.count),
                ud2m_cuda_super_resolution(
                    spectrum: work.spectrum.floats, transfer: transfer.elements, observed: observed.elements,
                    count: Self.number(work.count), height: Int32(height), width: Int32(width), factor: Int32(factor),
                    weight: Float(weight)))
            try work.transformColumns(isInverse: true)
            try work.transformRows(backTo: output)
            return output
        }
    }
}

/// The transforms of a batch of images in one job: memory first, then launches.
private struct SpectralWork {
    let images, channels, height, width: Int
    let spectrum: DeviceTensor
    private let rows, columns: FourierTables
    private let arithmetic: DeviceArithmetic

    /// Complex images.
    var count: Int { images * ((channels + 1) / 2) }

    init(_ mix: DeviceMix, _ arithmetic: DeviceArithmetic) throws {
        let shape = mix.shape
        try DeviceArithmetic.require(
            shape.count == 4 && shape.allSatisfy { $0 > 0 }, "A tensor of shape \(shape) is not a batch of images.")
        guard max(shape[2], shape[3]) <= FourierTables.longest else {
            throw DeviceArithmetic.tooLarge("\(shape[3])×\(shape[2]) pixels")
        }
        (images, channels, height, width) = (shape[0], shape[1], shape[2], shape[3])
        // Kernels count in 32 bits what they index in 64.
        _ = try DeviceArithmetic.number(mix.first.count)
        self.arithmetic = arithmetic
        rows = try arithmetic.tables(width)
        columns = try arithmetic.tables(height)
        spectrum = try arithmetic.tensor([images * ((channels + 1) / 2), height, width, 2])
    }

    private var rowTask: ud2m_cuda_fft_rows {
        var task = ud2m_cuda_fft_rows()
        task.tables = rows.structure
        (task.images, task.channels, task.height) = (Int32(images), Int32(channels), Int32(height))
        task.spectrum = spectrum.floats
        return task
    }

    /// From images to spectra of their rows.
    func transformRows(_ mix: DeviceMix) throws {
        var task = rowTask
        (task.first, task.second) = (mix.first.elements, mix.second?.elements)
        (task.first_weight, task.second_weight) = (mix.firstWeight, mix.secondWeight)
        try start(task)
    }

    /// From spectra of rows to images.
    func transformRows(backTo output: DeviceTensor) throws {
        var task = rowTask
        task.inverse = 1
        task.planes = output.floats
        task.scale = Float(1 / Double(height * width))
        try start(task)
    }

    private func start(_ task: ud2m_cuda_fft_rows) throws {
        try arithmetic.launch(
            "fft_rows", rows.grid(height, images: count), sharedBytes: rows.sharedBytes, task)
    }

    private var columnTask: ud2m_cuda_fft_columns {
        var task = ud2m_cuda_fft_columns()
        task.tables = columns.structure
        (task.count, task.width) = (Int32(count), Int32(width))
        task.spectrum = spectrum.floats
        task.filter = Int32(UD2M_CUDA_KEEP.rawValue)
        return task
    }

    /// What transforms columns, filters them and transforms them back.
    func columns(_ filter: DeviceFilter) throws -> ud2m_cuda_fft_columns {
        var task = columnTask
        let (kind, transfer): (ud2m_cuda_filter, DeviceTensor)
        switch filter {
        case .blur(let function): (kind, transfer) = (UD2M_CUDA_BLUR, function)
        case .adjoint(let function): (kind, transfer) = (UD2M_CUDA_ADJOINT, function)
        case .power(let function): (kind, transfer) = (UD2M_CUDA_POWER, function)
        case .tikhonov(let function, let observed, let weight):
            (kind, transfer) = (UD2M_CUDA_TIKHONOV, function)
            try DeviceArithmetic.require(
                observed.shape == spectrum.shape,
                "Spectra of \(observed.shape) do not fit those of the images, \(spectrum.shape).")
            task.observed = observed.elements
            task.weight = Float(weight)
        }
        try DeviceArithmetic.require(
            transfer.shape == [height, width, 2],
            "A transfer function of \(transfer.shape) does not fit images of \(height)×\(width).")
        task.filter = Int32(kind.rawValue)
        task.transfer = transfer.elements
        return task
    }

    /// Columns in one direction.
    func transformColumns(isInverse: Bool = false) throws {
        var task = columnTask
        task.inverse = isInverse ? 1 : 0
        try transformColumns(task)
    }

    func transformColumns(_ task: ud2m_cuda_fft_columns) throws {
        try arithmetic.launch(
            "fft_columns", columns.grid(width, images: count), sharedBytes: columns.sharedBytes, task)
    }
}
