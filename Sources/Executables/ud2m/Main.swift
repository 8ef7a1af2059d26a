import UD2MCommands

/// The entry point of `ud2m`.
@main
enum Main {
    static func main() {
        CommandRunner.main(UD2MTool.self)
    }
}
