/// The steps of a plan that read weights of adapters, bound anew when an item brings other ones.
///
/// That takes far less than a millisecond; all other steps, their memory and the network's weights stay.
struct AdaptedSteps {
    /// Which steps these are.
    let indices: Set<Int>
    /// What binds the steps of every image that runs together with others, and what they are bound to.
    private var images: [(binder: PlanBinder, adapters: AdapterSet)]

    init(indices: [Range<Int>], images: [(binder: PlanBinder, adapters: AdapterSet)]) {
        self.indices = Set(indices.joined())
        self.images = images
    }

    /// Makes the steps of an image read the weights of some adapters.
    /// - Throws: `graph-invalid`; then the steps are as they were.
    mutating func bind(_ image: Int, to adapters: AdapterSet, in steps: inout [ExecutionPlan.Step]) throws {
        guard images[image].adapters !== adapters else { return }
        let bound = try images[image].binder.rebind(to: adapters)
        images[image].adapters = adapters
        for (range, part) in bound { steps.replaceSubrange(range, with: part) }
    }
}
