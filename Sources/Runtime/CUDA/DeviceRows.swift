import CUD2MKernels
import UD2MFormats

/// The rows of a weight, ready to be written in a device's layout; several threads may write different rows.
struct DeviceRows: @unchecked Sendable {
    /// Writes rows one after the other.
    let write: (_ rows: Range<Int>, _ target: UnsafeMutableRawPointer) -> Void

    /// Prepares an item from tensors whose shapes have been checked.
    /// - Throws: `graph-invalid` when a tensor is not among them.
    init(_ item: DeviceWeightItem, _ sources: [String: StoredTensor], element: DeviceElement) throws {
        switch item.layout {
        case .foldedBias(let convolution, let normalization):
            let bias = try normalization.foldedBias(convolution.bias, sources)
            write = { rows, target in
                bias.withUnsafeBytes { bytes in
                    let part = UnsafeRawBufferPointer(rebasing: bytes[rows.lowerBound * 4..<rows.upperBound * 4])
                    UnsafeMutableRawBufferPointer(start: target, count: part.count).copyMemory(from: part)
                }
            }
        case .kernel(let convolution, let runs, let strides):
            let shape = KernelShape(convolution, runs: runs, strides: strides)
            if convolution.isRearranged {
                let kernel = try convolution.rearranged(sources)
                write = { rows, target in
                    kernel.withUnsafeBufferPointer { kernel in
                        guard let start = kernel.baseAddress else { return }
                        shape.write(rows, to: target, element) { UnsafePointer(start + $0 * shape.sourceCount) }
                    }
                }
            } else {
                let source = try StoredElements(item.name, sources)
                write = { rows, target in
                    withUnsafeTemporaryAllocation(of: Float.self, capacity: shape.sourceCount) { row in
                        guard let start = row.baseAddress else { return }
                        shape.write(rows, to: target, element) { index in
                            source.widen(index * shape.sourceCount, count: shape.sourceCount, to: start)
                            return UnsafePointer(start)
                        }
                    }
                }
            }
        case .values:
            let source = try StoredElements(item.name, sources)
            write = { rows, target in
                source.widen(rows.lowerBound, count: rows.count, to: target.assumingMemoryBound(to: Float.self))
            }
        case .matrix(_, let columns):
            let source = try StoredElements(item.name, sources)
            write = { rows, target in
                withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { row in
                    guard let start = row.baseAddress else { return }
                    for (place, index) in rows.enumerated() {
                        source.widen(index * columns, count: columns, to: start)
                        element.narrow(start, count: columns, to: target + place * columns * element.size)
                    }
                }
            }
        }
    }
}

/// How a kernel [K, C, height, width] becomes rows of [height · width][slots].
private struct KernelShape {
    let rows: Int
    let taps: Int
    let runs: [Int]
    let strides: [Int]

    init(_ convolution: Convolution, runs: [Int], strides: [Int]) {
        rows = convolution.outputChannels
        taps = convolution.kernelHeight * convolution.kernelWidth
        self.runs = runs
        self.strides = strides
    }

    /// Values of a row in the store.
    var sourceCount: Int { taps * runs.reduce(0, +) }

    /// Writes rows; those after the last are zero, as what pads channels is.
    func write(
        _ range: Range<Int>, to target: UnsafeMutableRawPointer, _ element: DeviceElement,
        _ source: (_ row: Int) -> UnsafePointer<Float>
    ) {
        let slots = strides.reduce(0, +)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: taps * slots) { packed in
            guard let start = packed.baseAddress else { return }
            packed.initialize(repeating: 0)
            for (place, row) in range.enumerated() {
                if row < rows {
                    gather(source(row), to: start, slots: slots)
                } else {
                    packed.update(repeating: 0)
                }
                element.narrow(start, count: taps * slots, to: target + place * taps * slots * element.size)
            }
        }
    }

    private func gather(_ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, slots: Int) {
        var (channel, slot) = (0, 0)
        for (count, stride) in zip(runs, strides) {
            for index in 0..<count {
                for tap in 0..<taps { target[tap * slots + slot + index] = source[(channel + index) * taps + tap] }
            }
            channel += count
            slot += stride
        }
    }
}

/// The elements of a tensor of the store, alive as long as this is.
private struct StoredElements {
    private let tensor: StoredTensor
    private let element: ud2m_element

    init(_ name: String, _ sources: [String: StoredTensor]) throws {
        guard let tensor = sources[name], let element = tensor.elementType.kernelElement else {
            throw UD2MError(.graphInvalid, "The weight was not looked up.", at: .init(tensor: name))
        }
        self.tensor = tensor
        self.element = element
    }

    /// Converts elements to float32.
    func widen(_ first: Int, count: Int, to target: UnsafeMutablePointer<Float>) {
        let size = element == UD2M_ELEMENT_F32 ? 4 : 2
        tensor.withBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            ud2m_convert_to_f32(start + first * size, element, count, target)
        }
    }
}

extension DeviceElement {
    /// Rounds float32 to this type; what is too large for float16 becomes infinite.
    fileprivate func narrow(_ source: UnsafePointer<Float>, count: Int, to target: UnsafeMutableRawPointer) {
        switch self {
        case .f32: target.copyMemory(from: source, byteCount: count * 4)
        case .f16: ud2m_round_to_f16(nil, source, count, target.assumingMemoryBound(to: UInt16.self))
        case .bf16:
            let target = target.assumingMemoryBound(to: UInt16.self)
            for index in 0..<count { target[index] = source[index].bfloat16Bits }
        }
    }
}

extension Float {
    /// The nearest bfloat16, ties to even.
    fileprivate var bfloat16Bits: UInt16 {
        let bits = bitPattern
        guard !isNaN else { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
        return UInt16(truncatingIfNeeded: (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
    }
}
