import UD2MConvert
import UD2MFormats

/// The result of `ud2m-convert stat` (`schemas/stat.schema.json`).
struct StatReport: Encodable {
    /// Numbers about a tensor; nil where there are none to speak of.
    struct Tensor: Encodable {
        let name: String
        let dtype: String
        let shape: [Int]
        /// Numbers, two for each complex element; nil where the elements have no defined values.
        let count: Int?
        let min: ReportNumber?
        let max: ReportNumber?
        let mean: ReportNumber?
        /// The standard deviation, divisor n.
        let std: ReportNumber?
        let nan: Int?
        let inf: Int?
        /// The share of zeros, 0…1.
        let zeros: ReportNumber?

        init(_ tensor: TensorSource, _ statistics: TensorStatistics?) {
            name = tensor.name.text
            dtype = tensor.elementTypeName
            shape = tensor.shape
            count = statistics?.count
            let integers = statistics?.integerExtremes
            min = (statistics?.minimum).map { ReportNumber($0, exactly: integers?.lowerBound) }
            max = (statistics?.maximum).map { ReportNumber($0, exactly: integers?.upperBound) }
            mean = (statistics?.mean).map { ReportNumber($0) }
            std = (statistics?.standardDeviation).map { ReportNumber($0) }
            nan = statistics?.nanCount
            inf = statistics?.infinityCount
            zeros = statistics.flatMap {
                $0.count > 0 ? ReportNumber(Double($0.zeroCount) / Double($0.count)) : nil
            }
        }
    }

    let tool = "ud2m-convert"
    let version = Version.current
    let path: String
    let state: [String]
    let prefix: String
    let tensors: [Tensor]
    /// Patterns that match no tensor.
    let unmatchedPatterns: [String]
    /// What else the file holds.
    let skipped: [ConvertReport.Skipped]
    let otherStateDicts: [CheckpointRest.State]
    let looseTensors: [[String]]
    /// Oddities of the file that change nothing.
    let remarks: [String]

    /// The report as a table for a person.
    var text: String {
        var table = TextTable([.left, .left, .right, .right, .right, .right, .right, .right, .right, .right])
        table.add("name", "dtype", "shape", "min", "max", "mean", "std", "NaN", "Inf", "zeros")
        for tensor in tensors {
            table.add(
                tensor.name.escapedForDisplay, tensor.dtype, tensor.shape.shapeText, tensor.min?.text ?? "–",
                tensor.max?.text ?? "–", tensor.mean?.text ?? "–", tensor.std?.text ?? "–",
                tensor.nan.map(String.init) ?? "–", tensor.inf.map(String.init) ?? "–", tensor.zeros?.text ?? "–")
        }
        return table.lines.joined(separator: "\n")
    }
}
