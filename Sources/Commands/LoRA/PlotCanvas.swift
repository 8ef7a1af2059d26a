import UD2MImaging

/// A white picture that grids and lines are drawn on.
struct PlotCanvas {
    /// A rectangle of the picture; places in it go from 0 to 1, upwards.
    struct Panel {
        let x: Int
        let y: Int
        let width: Int
        let height: Int
    }

    /// Red, green and blue from 0 to 1.
    struct Color {
        let red: Float
        let green: Float
        let blue: Float

        static let grid = Color(red: 0.87, green: 0.87, blue: 0.87)
        static let frame = Color(red: 0.2, green: 0.2, blue: 0.2)

        init(red: Float, green: Float, blue: Float) {
            (self.red, self.green, self.blue) = (red, green, blue)
        }

        /// A colour of the circle, dark enough for white ground; hues go from 0 to 1.
        init(hue: Double) {
            func part(_ shift: Double) -> Float {
                let place = (hue + shift).truncatingRemainder(dividingBy: 1) * 6
                return Float(0.8 * min(max(abs(place - 3) - 1, 0), 1))
            }
            self.init(red: part(0), green: part(2.0 / 3), blue: part(1.0 / 3))
        }
    }

    private let width: Int
    private let height: Int
    private var values: [Float]

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
        values = [Float](repeating: 1, count: 3 * width * height)
    }

    /// A line across a panel.
    mutating func grid(_ panel: Panel, height: Double) {
        line(panel, through: [(0, height), (1, height)], .grid)
    }

    /// A line from the bottom of a panel to its top.
    mutating func grid(_ panel: Panel, across: Double) {
        line(panel, through: [(across, 0), (across, 1)], .grid)
    }

    /// The edge of a panel.
    mutating func frame(_ panel: Panel) {
        line(panel, through: [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)], .frame)
    }

    /// Straight lines from point to point; a single point is a dot, and what is outside the panel goes to its edge.
    mutating func line(_ panel: Panel, through points: [(Double, Double)], _ color: Color) {
        let pixels = points.map { point in
            (
                x: Double(panel.x) + min(max(point.0, 0), 1) * Double(panel.width),
                y: Double(panel.y) + (1 - min(max(point.1, 0), 1)) * Double(panel.height)
            )
        }
        if let only = pixels.first, pixels.count == 1 { set(Int(only.x.rounded()), Int(only.y.rounded()), color) }
        for (from, to) in zip(pixels, pixels.dropFirst()) {
            let steps = max(Int(max(abs(to.x - from.x), abs(to.y - from.y)).rounded(.up)), 1)
            for step in 0...steps {
                let share = Double(step) / Double(steps)
                set(
                    Int((from.x + share * (to.x - from.x)).rounded()),
                    Int((from.y + share * (to.y - from.y)).rounded()), color)
            }
        }
    }

    private mutating func set(_ x: Int, _ y: Int, _ color: Color) {
        guard (0..<width).contains(x), (0..<height).contains(y) else { return }
        for (channel, value) in [color.red, color.green, color.blue].enumerated() {
            values[(channel * height + y) * width + x] = value
        }
    }

    /// The picture, red, green and blue.
    func image() throws(ImageError) -> ImageBuffer {
        try ImageBuffer(width: width, height: height, channels: 3, values: values)
    }
}
