import UD2MFormats
import UD2MRuntime

extension Tensor {
    /// A tensor of a safetensors file, converted to float32.
    /// - Throws: `conversion-unsupported` for element types that are no real numbers.
    init(_ entry: SafetensorsFile.Entry, of file: SafetensorsFile) throws {
        let location = UD2MError.Location(file: file.file.path, tensor: entry.name.text)
        do {
            var values = [Float](repeating: 0, count: entry.shape.reduce(1, *))
            let bytes = UnsafeRawBufferPointer(rebasing: file.file.bytes[entry.range])
            // Rounding float64 inputs to float32 is what the network computes in anyway.
            var loss = ConversionLoss()
            try values.withUnsafeMutableBytes { target in
                try entry.elementType.convert(bytes, to: .f32, into: target, loss: &loss)
            }
            try self.init(shape: entry.shape, values: values)
        } catch let error as UD2MError {
            throw error.located(in: location)
        }
    }
}
