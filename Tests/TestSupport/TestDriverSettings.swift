import Foundation

/// What the driver that interprets kernels reads when it is first used. All test targets share one driver in a process, so
/// each says the same before it loads it.
public enum TestDriverSettings {
    /// Devices of the driver.
    public static let devices = 3
    /// Bytes of every device's memory.
    public static let memory = 1 << 30

    /// Puts the settings into the environment.
    public static func apply() {
        setenv("UD2M_TESTDRIVER_DEVICES", String(devices), 1)
        setenv("UD2M_TESTDRIVER_MEMORY", String(memory), 1)
        setenv("UD2M_TESTDRIVER_THREADS", "2", 1)
    }
}
