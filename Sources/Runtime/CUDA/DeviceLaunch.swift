import UD2MFormats

/// The blocks of a launch.
package struct DeviceGrid: Sendable, Hashable {
    package var x: Int
    package var y = 1
    package var z = 1
}

/// Where something lies on a device, before it has an address.
enum DevicePlace: Sendable, Hashable {
    /// Bytes from the start of the arena.
    case arena(Int)
    /// A weight by its name.
    case weight(String)
}

/// The addresses of an arena and of weights: they make launches of a plan's.
struct DeviceAddresses: Sendable {
    let arena: UInt64
    let weights: [String: UInt64]

    /// The address of a place as kernels' structures hold it.
    /// - Throws: `graph-invalid` for a weight that was not loaded.
    func callAsFunction(_ place: DevicePlace) throws -> UnsafeMutableRawPointer? {
        switch place {
        case .arena(let offset): return UnsafeMutableRawPointer(bitPattern: UInt(arena) + UInt(offset))
        case .weight(let name):
            guard let address = weights[name] else {
                throw UD2MError(.graphInvalid, "The weight was not loaded.", at: .init(tensor: name))
            }
            return UnsafeMutableRawPointer(bitPattern: UInt(address))
        }
    }

    /// As floats.
    func floats(_ place: DevicePlace) throws -> UnsafeMutablePointer<Float>? {
        try self(place)?.assumingMemoryBound(to: Float.self)
    }
}

/// One kernel of a plan: all that a launch needs but the addresses.
package struct DeviceLaunch: Sendable {
    /// The kernel's name, such as `conv_128x128_f16`.
    package let kernel: String
    package let grid: DeviceGrid
    /// Bytes of dynamic shared memory of a block.
    package let sharedBytes: Int
    /// What the network's part is called in a profile: `conv3x3`, and its sizes.
    package let kind: String
    package let detail: String
    /// Floating-point operations by the definition; 0 for what is no product.
    package let flops: Double
    /// Bytes that are read from the device's memory, each once: maps, vectors and weights.
    package let bytesRead: Int
    package let bytesWritten: Int
    /// The kernel's structure.
    let structure: @Sendable (DeviceAddresses) throws -> [UInt8]
}
