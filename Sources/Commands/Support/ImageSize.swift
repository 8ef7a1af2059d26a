import ArgumentParser
import UD2MRuntime

/// The height and width of an image: "256" or "256x384".
struct ImageSize: Encodable {
    let height: Int
    let width: Int

    /// 256×256, or the size nearest to it that a network takes.
    static func standard(for inputs: [NetworkInput]) -> ImageSize {
        for case .image(_, let sides) in inputs.map(\.kind) where sides.minimum > 256 || sides.maximum < 256 {
            let side = sides.minimum > 256 ? sides.minimum : sides.maximum
            return ImageSize(height: side, width: side)
        }
        return ImageSize(height: 256, width: 256)
    }

    /// Reads the value of an option.
    /// - Throws: What is accepted, for anything else.
    static func parse(_ argument: String) throws -> ImageSize {
        let sides = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(sides.count), let height = sides[0], let width = sides[sides.count - 1],
            (1...Network.maximumSide).contains(height), (1...Network.maximumSide).contains(width)
        else {
            throw ValidationError(
                "expected one number, or height x width, with sides of 1 to \(Network.maximumSide) pixels.")
        }
        return ImageSize(height: height, width: width)
    }
}
