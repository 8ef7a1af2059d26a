import CUD2MFFT
import UD2MFormats

/// The two-dimensional discrete Fourier transform of one image size, in double precision.
///
/// Arrays hold real and imaginary parts interleaved, row-major, 2·rows·columns numbers. Sides with large prime factors
/// work but are slow: a prime side p costs p² a line.
package final class FFT2D: Sendable {
    /// The image's height.
    package let rows: Int
    /// The image's width.
    package let columns: Int
    // The tables are written once, in `init`; the C functions only read them, so sharing them is safe.
    private nonisolated(unsafe) let plan: OpaquePointer

    /// Prepares the tables.
    /// - Throws: `UD2MError` with code `operator-shape` for an empty or overflowing size, `transform-memory` without
    ///   memory.
    package init(rows: Int, columns: Int) throws {
        var created: OpaquePointer?
        try Self.check(ud2m_fft_plan_create(max(rows, 0), max(columns, 0), &created), rows, columns)
        guard let created else { throw UD2MError(.transformFailed, "The Fourier transform gave no plan.") }
        self.rows = rows
        self.columns = columns
        plan = created
    }

    deinit {
        ud2m_fft_plan_destroy(plan)
    }

    /// Replaces an image by its spectrum, unscaled.
    package func forward(_ image: inout [Double]) throws {
        try execute(&image, inverse: false)
    }

    /// Replaces a spectrum by its image; undoes ``forward(_:)`` exactly up to rounding.
    package func inverse(_ spectrum: inout [Double]) throws {
        try execute(&spectrum, inverse: true)
        let scale = 1 / Double(rows * columns)
        for index in spectrum.indices { spectrum[index] *= scale }
    }

    private func execute(_ values: inout [Double], inverse: Bool) throws {
        guard values.count == 2 * rows * columns else {
            throw UD2MError(.transformFailed, "A \(rows)×\(columns) transform was given \(values.count) numbers.")
        }
        let status = values.withUnsafeMutableBufferPointer { ud2m_fft_execute(plan, $0.baseAddress, inverse) }
        try Self.check(status, rows, columns)
    }

    private static func check(_ status: ud2m_fft_status, _ rows: Int, _ columns: Int) throws {
        switch status {
        case UD2M_FFT_OK: return
        case UD2M_FFT_BAD_SIZE:
            throw UD2MError(.operatorShape, "\(rows)×\(columns) is not a size that can be transformed.")
        case UD2M_FFT_OUT_OF_MEMORY:
            throw UD2MError(.transformMemory, "No memory to transform a \(rows)×\(columns) image.")
        default:
            throw UD2MError(.transformFailed, "The Fourier transform of a \(rows)×\(columns) image failed.")
        }
    }
}
