import Foundation

/// Messages beside the results.
enum StandardError {
    /// Prints a line.
    static func print(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}
