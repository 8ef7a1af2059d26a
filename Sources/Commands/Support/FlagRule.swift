import ArgumentParser

/// A flag that has an effect beside some other flags only.
///
/// A command lists its rules in one table, so that a flag which would change nothing is an error and not silently dropped.
struct FlagRule {
    /// The flag as it is written.
    let flag: String
    /// Whether it was given.
    let isGiven: Bool
    /// Whether what it belongs to was given too.
    let applies: Bool
    /// What it belongs to, such as "--task sr".
    let owner: String

    init(_ flag: String, given isGiven: Bool, applies: Bool, owner: String) {
        self.flag = flag
        self.isGiven = isGiven
        self.applies = applies
        self.owner = owner
    }

    /// - Throws: `ValidationError`, a usage error, that names the first flag without an effect.
    static func check(_ rules: [FlagRule]) throws {
        guard let rule = rules.first(where: { $0.isGiven && !$0.applies }) else { return }
        throw ValidationError("\(rule.flag) belongs to \(rule.owner), and changes nothing here. Leave it out.")
    }
}
