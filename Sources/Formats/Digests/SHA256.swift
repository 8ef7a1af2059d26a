import CCrypto

/// An incremental SHA-256 (FIPS 180-4), computed by OpenSSL with the processor's SHA instructions.
package struct SHA256: ~Copyable {
    private let context: OpaquePointer

    /// Starts a digest.
    /// - Throws: ``UD2MError`` with code `digest-unavailable` when OpenSSL cannot provide SHA-256.
    package init() throws {
        guard let context = EVP_MD_CTX_new() else { throw Self.unavailable }
        guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            EVP_MD_CTX_free(context)
            throw Self.unavailable
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Adds bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) throws {
        guard bytes.isEmpty || EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else {
            throw Self.unavailable
        }
    }

    /// Ends the digest: 64 lower-case hexadecimal digits; call once.
    package mutating func finish() throws -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        guard EVP_DigestFinal_ex(context, &digest, nil) == 1 else { throw Self.unavailable }
        return Hexadecimal.text(digest)
    }

    /// The digest of bytes that are all here.
    package static func hash(_ bytes: UnsafeRawBufferPointer) throws -> String {
        var hash = try SHA256()
        try hash.update(bytes)
        return try hash.finish()
    }

    private static var unavailable: UD2MError {
        UD2MError(.digestUnavailable, "OpenSSL cannot compute SHA-256.", remedy: "Check the installation of OpenSSL 3.")
    }
}

extension UD2MError.Code {
    /// A digest cannot be computed on this system.
    public static let digestUnavailable = Self("digest-unavailable", .unavailable)
}
