import UD2MFormats

/// How a checkpoint spells a network: names and shapes that differ from the store's, and what it has besides.
public struct TensorLayout: Sendable {
    /// A tensor as the checkpoint has it.
    public struct FileTensor: Sendable, Hashable {
        /// Its name in the state dict.
        public let name: TensorName
        /// Its shape there; the elements are the store's in the same order.
        public let shape: [Int]
    }

    /// Tensors that belong to the layout and that the network does not use.
    public struct LeftOut: Sendable, Hashable {
        /// Their names in the state dict.
        public let names: [TensorName]
        /// Why they are left out, as a sentence.
        public let reason: String
        /// How many parameters they are, which publications count.
        public let parameterCount: Int

        /// Creates a record.
        init(_ names: [TensorName], reason: String, parameterCount: Int = 0) {
            self.names = names
            self.reason = reason
            self.parameterCount = parameterCount
        }
    }

    /// What a tensor that is left out must hold, so that nothing is lost with it.
    enum Constant: Sendable, Hashable {
        /// These numbers.
        case numbers([Float])
        /// What another tensor of the checkpoint holds.
        case copy(of: TensorName)
    }

    /// The checkpoint's spelling of each tensor whose name or shape there is not the store's.
    var renamed: [TensorName: FileTensor] = [:]
    /// What the checkpoint has besides.
    var leftOut: [LeftOut] = []
    /// What some of those tensors must hold, by their names in the checkpoint.
    var constants: [TensorName: Constant] = [:]

    /// Whether the checkpoint spells every tensor as the store does, and has no others.
    var isStores: Bool { renamed.isEmpty && leftOut.isEmpty }

    /// The checkpoint's spelling of a tensor.
    func fileTensor(_ parameter: ParameterDescription) -> FileTensor {
        renamed[parameter.name] ?? FileTensor(name: parameter.name, shape: parameter.shape)
    }

    /// All of a network's tensors as the checkpoint spells them.
    func fileTensors(_ parameters: [ParameterDescription]) -> [FileTensor] { parameters.map(fileTensor) }
}
