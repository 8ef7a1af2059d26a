/// Rows of text in aligned columns.
struct TextTable {
    /// How a column lines up.
    enum Alignment {
        case left
        case right
    }

    private let alignments: [Alignment]
    private var rows: [[String]] = []

    /// Starts a table.
    init(_ alignments: [Alignment]) {
        self.alignments = alignments
    }

    /// Adds a row, which has a cell for each column.
    mutating func add(_ cells: String...) { add(cells) }

    /// Adds a row, which has a cell for each column.
    mutating func add(_ cells: [String]) { rows.append(cells) }

    /// The lines, two spaces between columns, nothing after the last.
    var lines: [String] {
        let widths = alignments.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                if column > 0 { line += "  " }
                switch alignments[column] {
                case .left: line += column == row.count - 1 ? cell : cell + padding
                case .right: line += padding + cell
                }
            }
            return line
        }
    }
}
