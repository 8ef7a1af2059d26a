import UD2MCommands

/// The entry point of `ud2m-convert`.
@main
enum Main {
    static func main() {
        CommandRunner.main(ConvertTool.self)
    }
}
