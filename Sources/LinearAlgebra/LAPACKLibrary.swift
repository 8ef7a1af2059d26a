import CLAPACK
import UD2MFormats

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The routines of BLAS and LAPACK, from the system's library.
///
/// The library is loaded when a matrix first needs it: OpenBLAS alone takes longer to load than a checkpoint takes to
/// describe, and most commands never decompose anything.
package struct LAPACKLibrary: Sendable {
    let dgemm: ud2m_dgemm
    let dsyrk: ud2m_dsyrk
    let dsyevd: ud2m_dsyevd
    let dgesdd: ud2m_dgesdd
    let dgeqrf: ud2m_dgeqrf
    let dormqr: ud2m_dormqr
    /// OpenBLAS's own function; nil with other implementations.
    let setThreads: (@convention(c) (Int32) -> Void)?

    /// The loaded library.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `lapack-missing` when the system has none.
    static func loaded() throws(UD2MError) -> LAPACKLibrary { try shared.get() }

    private static let shared: Result<LAPACKLibrary, UD2MError> = Result { () throws(UD2MError) in try load(names) }

    /// Where it is looked for; each name finds BLAS as well, by itself or through what it needs.
    private static let names: [String] = {
        #if canImport(Darwin)
            ["/System/Library/Frameworks/Accelerate.framework/Accelerate"]
        #else
            // The first is what the system's administrator chose.
            ["liblapack.so.3", "libopenblas.so.0", "libopenblas.so"]
        #endif
    }()

    /// Loads the first library there is that has every routine.
    package static func load(_ names: [String]) throws(UD2MError) -> LAPACKLibrary {
        for name in names {
            // Never closed: OpenBLAS keeps threads running.
            if let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL), let library = LAPACKLibrary(handle) { return library }
        }
        throw UD2MError(
            .lapackMissing, "No LAPACK library is installed: \(names.joined(separator: ", ")) cannot be loaded.",
            remedy: "Install one, for instance with: apt-get install libopenblas0")
    }

    private init?(_ handle: UnsafeMutableRawPointer) {
        guard let dgemm = dlsym(handle, "dgemm_"), let dsyrk = dlsym(handle, "dsyrk_"),
            let dsyevd = dlsym(handle, "dsyevd_"), let dgesdd = dlsym(handle, "dgesdd_"),
            let dgeqrf = dlsym(handle, "dgeqrf_"), let dormqr = dlsym(handle, "dormqr_")
        else { return nil }
        self.dgemm = unsafeBitCast(dgemm, to: ud2m_dgemm.self)
        self.dsyrk = unsafeBitCast(dsyrk, to: ud2m_dsyrk.self)
        self.dsyevd = unsafeBitCast(dsyevd, to: ud2m_dsyevd.self)
        self.dgesdd = unsafeBitCast(dgesdd, to: ud2m_dgesdd.self)
        self.dgeqrf = unsafeBitCast(dgeqrf, to: ud2m_dgeqrf.self)
        self.dormqr = unsafeBitCast(dormqr, to: ud2m_dormqr.self)
        setThreads = dlsym(handle, "openblas_set_num_threads").map {
            unsafeBitCast($0, to: (@convention(c) (Int32) -> Void).self)
        }
    }
}

extension UD2MError.Code {
    /// The system has no library for matrix decompositions.
    public static let lapackMissing = UD2MError.Code("lapack-missing", .unavailable)
}
