import UD2MCommands

/// The entry point of `ud2m-lora`.
@main
enum Main {
    static func main() {
        CommandRunner.main(LoRATool.self)
    }
}
