import CUD2MCUDA
import CUD2MKernels
import UD2MFormats

/// One weight and its layout on a device.
struct DeviceWeightItem: Sendable {
    enum Layout: Sendable {
        /// Float32 in the order of the store.
        case values(Int)
        /// A matrix in the type of the maps.
        case matrix(rows: Int, columns: Int)
        /// The kernel of a convolution whose input has the given runs of channels, padded to the given strides:
        /// [output channels rounded up to eight][pixels of the kernel][slots], in the type of the maps.
        case kernel(Convolution, runs: [Int], strides: [Int])
        /// The bias that a convolution has once a normalisation is folded into it, float32.
        case foldedBias(Convolution, BatchNorm)
    }

    let name: String
    let layout: Layout

    /// What to pack for an operation.
    static func items(of user: WeightUser) -> [DeviceWeightItem] {
        switch user.operation {
        case .convolution(let convolution):
            let kernel = DeviceWeightItem(
                name: convolution.weight, layout: .kernel(convolution, runs: user.runs, strides: user.strides))
            if let normalization = convolution.normalization {
                return [
                    kernel,
                    DeviceWeightItem(name: normalization.bias, layout: .foldedBias(convolution, normalization)),
                ]
            }
            let bias = convolution.bias.map { DeviceWeightItem(name: $0, layout: .values(convolution.outputChannels)) }
            return [kernel] + (bias.map { [$0] } ?? [])
        case .linear(let linear):
            return linear.requirements.map { requirement in
                let count = requirement.shape.reduce(1, *)
                return DeviceWeightItem(
                    name: requirement.name,
                    layout: requirement.name == linear.weight
                        ? .matrix(rows: linear.outputs, columns: linear.inputs) : .values(count))
            }
        case let operation:
            return operation.weights.map {
                DeviceWeightItem(name: $0.name, layout: .values($0.shape.reduce(1, *)))
            }
        }
    }

    /// The names of the tensors that the item is made of.
    var sources: [String] {
        switch layout {
        case .values, .matrix: [name]
        case .kernel(let convolution, _, _) where convolution.normalization == nil: [name]
        case .kernel(let convolution, _, _), .foldedBias(let convolution, _): convolution.weights.map(\.name)
        }
    }

    /// How many rows can be packed apart from each other.
    var rows: Int {
        switch layout {
        case .values(let count): count
        case .matrix(let rows, _): rows
        case .kernel(let convolution, _, _):
            wholeBlocks(convolution.outputChannels, of: Int(UD2M_CUDA_CHANNELS)) * Int(UD2M_CUDA_CHANNELS)
        case .foldedBias(let convolution, _): convolution.outputChannels
        }
    }

    /// Bytes of a row.
    func rowBytes(_ element: DeviceElement) -> Int {
        switch layout {
        case .values, .foldedBias: 4
        case .matrix(_, let columns): columns * element.size
        case .kernel(let convolution, _, let strides):
            convolution.kernelHeight * convolution.kernelWidth * strides.reduce(0, +) * element.size
        }
    }
}

extension Linear {
    fileprivate var requirements: [WeightRequirement] { Operation.linear(self).weights }
}

/// The weights of a network on a device, before they have addresses.
struct DeviceWeightLayout: Sendable {
    let element: DeviceElement
    /// In the order in which they lie in memory.
    let items: [DeviceWeightItem]
    /// Bytes from the start, by name.
    let offsets: [String: Int]
    let byteCount: Int
    /// The tensors that are needed.
    let requirements: [WeightRequirement]

    /// Lays out the weights of some operations, or of these only the named ones; each once, for the operation that names it
    /// first.
    init(users: [WeightUser], names: Set<String>? = nil, element: DeviceElement) {
        func isWanted(_ name: String) -> Bool { names?.contains(name) ?? true }
        var seen: Set<String> = []
        requirements = users.flatMap(\.operation.weights).filter { isWanted($0.name) && seen.insert($0.name).inserted }
        var (items, offsets, end): ([DeviceWeightItem], [String: Int], Int) = ([], [:], 0)
        for item in users.flatMap(DeviceWeightItem.items) where isWanted(item.name) && offsets[item.name] == nil {
            offsets[item.name] = end
            items.append(item)
            end += wholeBlocks(item.rows * item.rowBytes(element), of: Self.alignment) * Self.alignment
        }
        self.element = element
        self.items = items
        self.offsets = offsets
        byteCount = end
    }

    /// Bytes at whose multiples weights start.
    private static let alignment = 256
}
