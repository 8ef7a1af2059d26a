import UD2MFormats

extension ArchitectureFamily {
    /// The network that a damaged state dict was, when that is a published model.
    ///
    /// Detection believes the tensors that it looks at. Where one of those is lost or misshapen, it finds a network that
    /// the others contradict, and whole parts of the file would be called unknown. Nil when no published model of the
    /// family fits as well as what was found.
    func publishedModel(
        behind found: DetectedArchitecture, _ shapes: StateDictShapes, options: DetectionOptions
    ) -> DetectedArchitecture? {
        /// More tensors that fit; among equals fewer that differ.
        func rank(_ fit: (matched: Int, differing: Int)) -> (Int, Int) { (fit.matched, -fit.differing) }
        let own = shapes.comparison(found.layout.fileTensors(found.parameters), found.layout)
        guard own.differing > 0 else { return nil }
        var best: (model: KnownModel, tensors: [TensorLayout.FileTensor], fit: (matched: Int, differing: Int))?
        for model in knownModels {
            for layout in model.layouts {
                let tensors = layout.fileTensors(model.parameters)
                let fit = shapes.comparison(tensors, layout)
                // Few tensors in common say nothing about the widths of the rest.
                guard fit.matched * 2 >= shapes.names.count, rank(fit) >= rank(own),
                    best.map({ rank(fit) > rank($0.fit) }) ?? true
                else { continue }
                best = (model, tensors, fit)
            }
        }
        guard let best, best.model.parameters != found.parameters,
            var repaired = try? detect(shapes.repaired(best.tensors), options: options),
            repaired.parameters == best.model.parameters
        else { return nil }
        repaired.evidence.append(
            "damaged: \(best.fit.matched) tensors are those of \(best.model.name), \(best.fit.differing) differ")
        return repaired
    }
}
