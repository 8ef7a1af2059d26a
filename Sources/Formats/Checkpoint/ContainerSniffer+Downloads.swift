/// What a failed download leaves under a checkpoint's name: pointers, web pages, messages and zeros (`formats.md` §1).
extension ContainerSniffer {
    /// Bytes of a message that a server sends; web pages may be larger.
    private static let maximumMessageBytes = 1 << 14
    /// Bytes of a message that are repeated in the error.
    private static let shownBytes = 200

    /// What happened and what to do, or nil when the file is no such thing.
    func failedDownload() -> UD2MError? {
        if hasText("version https://git-lfs") { return gitLFSPointer }
        if bytes[0] == 0, bytes.allSatisfy({ $0 == 0 }) {
            return UD2MError(
                .fileAllZero, "All \(bytes.count) bytes are zero.", at: .init(byteOffset: 0),
                remedy: "The download was preallocated and never filled: fetch the file again.")
        }
        let start = String(
            decoding: bytes.prefix(Self.maximumMessageBytes).drop {
                Self.isSpace($0) || [0xEF, 0xBB, 0xBF].contains($0)
            },
            as: UTF8.self)
        if start.hasPrefix("<") {
            if let code = Self.element("Code", in: start), start.contains("<Error>") {
                let message = Self.element("Message", in: start).map { ": \($0)" } ?? ""
                return serverMessage("\(code)\(message)")
            }
            return UD2MError(
                .htmlPage, "This is a web page, such as a login, quota or virus-scan page, and no checkpoint.",
                at: .init(byteOffset: 0), remedy: "Open the download link in a browser to see what it asks for.")
        }
        guard bytes.count <= Self.maximumMessageBytes else { return nil }
        if start.hasPrefix("{") { return Self.message(inJSON: bytes).map(serverMessage) }
        let lowercased = start.prefix(64).lowercased()
        guard Self.phrases.contains(where: lowercased.hasPrefix) else { return nil }
        return serverMessage(start)
    }

    /// How servers begin messages in plain text.
    private static let phrases = [
        "entry not found", "not found", "404", "access denied", "access to model", "403", "forbidden", "401",
        "unauthorized", "invalid username or password", "invalid credentials", "repository not found",
        "file not found", "error", "too many requests", "429", "rate limit", "bad gateway", "service unavailable",
        "internal server error", "gateway time", "request timeout", "moved permanently", "found. redirecting",
        "temporary redirect",
    ]

    private func serverMessage(_ text: String) -> UD2MError {
        let lowercased = text.lowercased()
        func mentions(_ words: String...) -> Bool { words.contains(where: lowercased.contains) }
        let remedy =
            if mentions(
                "denied", "401", "403", "unauthorized", "forbidden", "password", "credential", "restricted",
                "gated", "access to model")
            {
                "Log in or pass an access token, and accept the model's terms if it has any; then fetch the file again."
            } else if mentions("not found", "404", "nosuchkey", "no such") {
                "The link leads nowhere: check the address, the file's name and the branch."
            } else {
                "Check the link and your access rights, then fetch the file again."
            }
        return UD2MError(
            .serverMessage,
            "This is a server's message instead of the file: '\(text.trimmed(to: Self.shownBytes))'.",
            at: .init(byteOffset: 0), remedy: remedy)
    }

    /// The message of a JSON document that reports an error, or nil when it reports none.
    private static func message(inJSON bytes: UnsafeRawBufferPointer) -> String? {
        guard case .object(let object)? = try? JSONValue(parsing: bytes) else {
            // Cut short, or not quite JSON; the first word is enough.
            let start = String(decoding: bytes.prefix(shownBytes), as: UTF8.self)
            return start.filter { !$0.isWhitespace }.lowercased().hasPrefix("{\"error") ? start : nil
        }
        for key in ["error", "message", "errors", "detail", "error_description"] {
            switch object[key] {
            case .string(let text)?: return text
            case .object(let inner)?:
                if case .string(let text)? = inner["message"] { return text }
                return String(decoding: bytes.prefix(shownBytes), as: UTF8.self)
            case .array?, .bool?: return String(decoding: bytes.prefix(shownBytes), as: UTF8.self)
            default: continue
            }
        }
        return nil
    }

    /// The text of an XML element without attributes.
    private static func element(_ name: String, in text: String) -> String? {
        guard let open = text.firstRange(of: "<\(name)>"),
            let close = text[open.upperBound...].firstRange(of: "</\(name)>")
        else { return nil }
        return String(text[open.upperBound..<close.lowerBound])
    }

    /// A text file that stands for a large one in a git repository, its lines ended either way.
    private var gitLFSPointer: UD2MError {
        let lines = String(decoding: bytes.prefix(1_024), as: UTF8.self).split(whereSeparator: \.isNewline)
        func value(_ key: String) -> String {
            lines.first { $0.hasPrefix(key + " ") }.map { String($0.dropFirst(key.count + 1).prefix(80)) } ?? "unknown"
        }
        return UD2MError(
            .gitLFSPointer,
            "This is a git-lfs pointer to a file of \(value("size")) bytes (\(value("oid"))), not the file itself.",
            at: .init(byteOffset: 0), remedy: "Run `git lfs pull` in the repository it came from.")
    }
}

extension String {
    /// The beginning, without the spaces at its end, on one line.
    fileprivate func trimmed(to bytes: Int) -> String {
        let line = String(decoding: utf8.prefix(bytes), as: UTF8.self).split(whereSeparator: \.isWhitespace)
            .joined(separator: " ")
        return utf8.count > bytes ? line + "…" : line
    }
}
