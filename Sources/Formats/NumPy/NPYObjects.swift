/// The pickle that an array of Python objects is: judged like any other, its values never used.
enum NPYObjects {
    /// What loading the array would import and call.
    /// - Parameters:
    ///   - bytes: The array's file or member, from its magic on.
    ///   - dataOffset: Where its pickle starts.
    ///   - entry: The name of the file's part for findings.
    ///   - limits: What the pickle may ask for.
    /// - Returns: The findings, their bytes counted from the start of `bytes`.
    /// - Throws: ``UD2MError`` with a `pickle-…` code when the pickle breaks off; its findings say what it did before.
    static func findings(
        _ bytes: UnsafeRawBufferPointer, dataOffset: Int, entry: String, limits: Limits
    ) throws -> [PickleFinding] {
        guard bytes.count - dataOffset <= limits.pickleBytes else {
            throw UD2MError(
                .pickleLimit,
                "The pickle has \(bytes.count - dataOffset) bytes; the limit is \(limits.pickleBytes).",
                at: .init(entry: entry, byteOffset: dataOffset))
        }
        guard let stream = bytes.slice(dataOffset..<bytes.count) else { return [] }
        func moved(_ findings: [PickleFinding]) -> [PickleFinding] {
            findings.map { finding in
                var finding = finding
                finding.byteOffset += dataOffset
                return finding
            }
        }
        do {
            return moved(
                try TorchPickleReader.contents(limits: limits) { reader in
                    _ = try reader.run(Array(stream), entry: entry)
                }.findings)
        } catch var error as UD2MError {
            error.findings = error.findings.map(moved)
            error.location.byteOffset = error.location.byteOffset.map { $0 + dataOffset }
            throw error
        }
    }
}
