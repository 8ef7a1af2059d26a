/// What is known of a name a pickle would import (`formats.md` §10.2).
///
/// Only a label for people: nothing is ever imported, so nothing depends on the deny list being complete.
enum PickleGlobalPolicy: Sendable, Hashable {
    /// Part of the vocabulary, or known to be inert.
    case known
    /// `getattr`: judged by its arguments.
    case attributeAccess
    /// `functools.partial`: judged by what it wraps.
    case partial
    /// A torch stream inside the pickle.
    case nestedStream
    /// Calling it runs code, or reaches what does.
    case denied
    /// The name is dotted or spelled unlike any class: it may reach something else than it shows.
    case disguised
    /// A class nobody has listed.
    case unknown
    /// A name nobody has listed that is spelled like a function's.
    case unknownFunction

    /// The policy for a global, Python-2 names already turned into Python-3 ones.
    init(_ global: PickleGlobal) {
        let global = Self.withoutPackageMangling(global)
        switch global.qualifiedName {
        case "builtins.getattr": self = .attributeAccess
        case "functools.partial": self = .partial
        case "torch.storage._load_from_bytes": self = .nestedStream
        default:
            if Self.isVocabulary(global) {
                self = .known
            } else if Self.isDenied(global) {
                self = .denied
            } else if !Self.isPlain(global.module, allowsDots: true) || !Self.isPlain(global.name, allowsDots: false) {
                self = .disguised
            } else if Self.inertNames.contains(global.qualifiedName) {
                self = .known
            } else if Self.isSpelledLikeFunction(global.name) {
                self = .unknownFunction
            } else {
                self = Self.isOfInertPackage(global) ? .known : .unknown
            }
        }
    }

    /// Whether text is an ASCII identifier without leading underscores, as an honest attribute is.
    static func isPlainAttribute(_ name: ArraySlice<UInt8>) -> Bool {
        guard let first = name.first, first != UInt8(ascii: "_"), name.count <= 256 else { return false }
        return isPlain(String(decoding: name, as: UTF8.self), allowsDots: false)
    }

    private static func isVocabulary(_ global: PickleGlobal) -> Bool {
        PickleConstructor(global) != nil || TorchBuilder(global) != nil || TorchElementType.isStorageClass(global)
            || TorchElementType.ofDtype(global) != nil
            || TorchTensorReader.isTensorClass(global) || torchValues.contains(global.qualifiedName)
    }

    private static func isDenied(_ global: PickleGlobal) -> Bool {
        let modules = global.module.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let names = global.name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if let package = modules.first, deniedPackages.contains(package) { return true }
        for count in 2...max(modules.count, 2) where modules.count >= count {
            if deniedPackages.contains(modules.prefix(count).joined(separator: ".")) { return true }
        }
        if deniedNames.contains(global.qualifiedName) { return true }
        guard names.count > 1 else { return false }
        // `torch.serialization` + `os.system`: every part of a dotted name may be a module.
        if names.dropLast().contains(where: deniedPackages.contains) { return true }
        if names.contains(where: deniedParts.contains) { return true }
        return deniedNames.contains(names.suffix(2).joined(separator: "."))
    }

    /// The global whose module lies in a `torch.package` archive, without the archive's mark: `<torch_package_0>.x`.
    private static func withoutPackageMangling(_ global: PickleGlobal) -> PickleGlobal {
        guard global.module.hasPrefix("<torch_package_"), let end = global.module.utf8.firstIndex(of: 0x3E) else {
            return global
        }
        let rest = global.module[end...].utf8.dropFirst()
        guard rest.first == 0x2E, let module = String(rest.dropFirst()) else { return global }
        return PickleGlobal(module: module, name: global.name)
    }

    private static func isOfInertPackage(_ global: PickleGlobal) -> Bool {
        inertPackages.contains { global.module == $0 || global.module.hasPrefix($0 + ".") }
    }

    /// Whether the first letter is small, as that of functions is and that of nearly all classes is not.
    private static func isSpelledLikeFunction(_ name: String) -> Bool {
        name.utf8.first { $0 != UInt8(ascii: "_") }.map { (0x61...0x7A).contains($0) } ?? true
    }

    private static func isPlain(_ name: String, allowsDots: Bool) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
            case 0x2E: allowsDots
            default: false
            }
        }
    }
}
