import UD2MFormats

/// A published network and its tensors, as stores name them.
public struct PublishedModel: Sendable {
    /// The name of the weights' file, without its suffix.
    public let name: String
    /// The family's name for a person, such as `"ADM U-Net"`.
    public let family: String
    /// Its tensors.
    public let parameters: [ParameterDescription]
}

extension ArchitectureRegistry {
    /// Every published model that the converter knows; computed anew each time, which takes longer than opening a file.
    public static var publishedModels: [PublishedModel] {
        families.flatMap { family in
            family.knownModels.map {
                PublishedModel(name: $0.name, family: family.title, parameters: $0.parameters)
            }
        }
    }
}

extension DetectedArchitecture {
    /// Names that stores and other layouts give the network's tensors, each with the checkpoint's own name.
    public var otherNames: [TensorName: TensorName] {
        var names: [TensorName: TensorName] = [:]
        var layouts: [DDPMNames] = []
        if case .ddpm(let configuration) = configuration {
            layouts = DDPMNames.Convention.allCases.map {
                DDPMNames(convention: $0, levels: configuration.levelChannels.count)
            }
        }
        for parameter in parameters {
            let own = layout.fileTensor(parameter).name
            names[parameter.name] = own
            for layout in layouts { names[TensorName(layout.name(parameter.name.text))] = own }
        }
        return names
    }
}
