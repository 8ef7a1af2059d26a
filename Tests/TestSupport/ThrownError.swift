import UD2MFormats

/// The ``UD2MError`` that `body` throws, or nil when it returns or throws something else.
public func thrownError<Result>(_ body: () throws -> Result) -> UD2MError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? UD2MError
    }
}
