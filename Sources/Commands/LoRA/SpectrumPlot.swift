import UD2MImaging

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A picture of the singular values of an adapter's changes: the values on the left, on a scale of decades, and the
/// energy that each rank holds on the right. One line a change; the grid's lines are described by the image's text.
struct SpectrumPlot {
    /// Decades below the largest value that are shown at most.
    private static let decades = 8

    private let layers: [SpectrumReport.Layer]
    private let ranks: Int
    private let top: Int
    private let bottom: Int

    /// - Parameter layers: At least one of them must have a singular value above 0, or the picture is empty.
    init(_ layers: [SpectrumReport.Layer]) {
        self.layers = layers
        ranks = max(layers.map(\.values.count).max() ?? 1, 1)
        let positive = layers.flatMap(\.values).filter { $0 > 0 }
        let highest = Int((log10(positive.max() ?? 1)).rounded(.up))
        let lowest = Int((log10(positive.min() ?? 1)).rounded(.down))
        top = max(highest, lowest + 1)
        bottom = max(lowest, top - Self.decades)
    }

    /// What the axes are, for people and for the image's text.
    var description: String {
        "Left: singular values from 1e\(bottom) to 1e\(top), a grid line a decade, over ranks 1 to \(ranks). "
            + "Right: the fraction of the energy, from 0 to 1, that ranks 0 to \(ranks) hold; the grid lines are at 0.5, "
            + "0.9 and 0.99. One line for each of \(layers.count) changes."
    }

    /// The picture.
    /// - Throws: `ImageError`, which no finite spectrum causes.
    func image() throws(ImageError) -> ImageBuffer {
        var canvas = PlotCanvas(width: 1000, height: 440)
        let left = PlotCanvas.Panel(x: 30, y: 20, width: 450, height: 400)
        let right = PlotCanvas.Panel(x: 520, y: 20, width: 450, height: 400)
        let span = Double(top - bottom)
        for decade in bottom...top { canvas.grid(left, height: Double(decade - bottom) / span) }
        for share in [0.5, 0.9, 0.99] { canvas.grid(right, height: share) }
        let step = max(1, (ranks + 7) / 8)
        for rank in stride(from: step, to: ranks, by: step) {
            canvas.grid(left, across: place(rank - 1, of: ranks - 1))
            canvas.grid(right, across: place(rank, of: ranks))
        }
        for (index, layer) in layers.enumerated() {
            let color = PlotCanvas.Color(hue: Double(index) / Double(layers.count))
            // A value of 0 has no logarithm: its line ends before it.
            let values = layer.values.prefix { $0 > 0 }.enumerated().map { rank, value in
                (place(rank, of: ranks - 1), (log10(value) - Double(bottom)) / span)
            }
            canvas.line(left, through: values, color)
            canvas.line(right, through: layer.energy.enumerated().map { (place($0, of: ranks), $1) }, color)
        }
        canvas.frame(left)
        canvas.frame(right)
        return try canvas.image()
    }

    private func place(_ rank: Int, of last: Int) -> Double { Double(rank) / Double(max(last, 1)) }
}
