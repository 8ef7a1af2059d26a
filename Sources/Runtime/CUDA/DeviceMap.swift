import CUD2MCUDA

/// A map and the transforms through which a kernel reads it.
struct DeviceMap: Sendable {
    var parts: [DevicePart]
    /// Of the buffers, before enlarging.
    var height: Int
    var width: Int
    /// Where scales and shifts lie; nil for a map that is read as it is.
    var coefficients: Int?
    var activation = Activation.none
    var isUpsampled = false

    var slots: Int { parts.reduce(0) { $0 + $1.stride } }

    /// Pixels of an image as it is read.
    var pixels: Int { height * width * (isUpsampled ? 4 : 1) }

    /// Whether values change while they are read.
    var isTransformed: Bool { coefficients != nil || activation != .none }

    /// As kernels take it.
    func structure(_ at: DeviceAddresses) throws -> ud2m_cuda_map {
        var map = ud2m_cuda_map()
        fill(&map.parts, try parts.map { try $0.structure(at) })
        map.part_count = Int32(parts.count)
        map.slots = Int32(slots)
        map.height = Int32(height)
        map.width = Int32(width)
        if let coefficients {
            map.scale = UnsafePointer(try at.floats(.arena(coefficients)))
            map.shift = UnsafePointer(try at.floats(.arena(coefficients + slots * 4)))
            map.coefficient_stride = Int32(2 * slots)
        }
        map.activation = activation.deviceNumber
        map.slope = activation.slope
        map.upsampled = isUpsampled ? 1 : 0
        return map
    }
}

extension DevicePart {
    /// As kernels take it.
    func structure(_ at: DeviceAddresses) throws -> ud2m_cuda_part {
        ud2m_cuda_part(data: try at(.arena(offset)), channels: Int32(channels), stride: Int32(stride))
    }
}

extension Activation {
    /// The kernels' number for this function.
    var deviceNumber: Int32 {
        let kind =
            switch self {
            case .none: UD2M_CUDA_NONE
            case .silu: UD2M_CUDA_SILU
            case .relu: UD2M_CUDA_RELU
            case .leakyReLU: UD2M_CUDA_LEAKY_RELU
            case .sigmoid: UD2M_CUDA_SIGMOID
            }
        return Int32(kind.rawValue)
    }
}

/// Writes elements to the start of an array of a C structure, which Swift sees as a tuple.
func fill<Tuple, Element: BitwiseCopyable>(_ tuple: inout Tuple, _ elements: [Element]) {
    withUnsafeMutableBytes(of: &tuple) { target in
        elements.withUnsafeBytes { source in
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source.prefix(target.count)))
        }
    }
}

/// The bytes of a C structure, as a launch takes them.
func structureBytes<Structure>(_ structure: Structure) -> [UInt8] {
    withUnsafeBytes(of: structure) { Array($0) }
}

/// How many blocks of a size hold a count.
func wholeBlocks(_ count: Int, of size: Int) -> Int { (count + size - 1) / size }
