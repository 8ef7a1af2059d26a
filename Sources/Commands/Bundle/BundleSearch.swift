import UD2MLoRA

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension BaseLocator {
    /// The folders that the environment names.
    static var environmentPath: String? { ProcessInfo.processInfo.environment[variable] }

    /// Searches the folder of a bundle, then those that the environment names.
    static func forBundle(_ path: String) -> BaseLocator {
        BaseLocator(bundle: path, searchPath: environmentPath)
    }
}
