import CUD2MKernelCases
import CUD2MKernels
import Foundation
import Testing

@Suite("Kernels: linear layers and timestep embeddings")
struct KernelsLinearTests {
    /// Bytes of values rounded to a storage type, after one stray byte so that they are misaligned, and the values the
    /// bytes stand for.
    private func stored(_ values: [Float], _ element: ud2m_element) -> (bytes: [UInt8], values: [Double]) {
        var bytes: [UInt8] = [0xFF]
        var rounded: [Double] = []
        for value in values {
            switch element {
            case UD2M_ELEMENT_F16:
                let half = HalfBits(value)
                bytes += [UInt8(truncatingIfNeeded: half.bits), UInt8(half.bits >> 8)]
                rounded.append(half.value)
            case UD2M_ELEMENT_BF16:
                let bits = value.bitPattern & 0xFFFF_0000
                bytes += [UInt8(truncatingIfNeeded: bits >> 16), UInt8(bits >> 24)]
                rounded.append(Double(Float(bitPattern: bits)))
            default:
                withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
                rounded.append(Double(value))
            }
        }
        return (bytes, rounded)
    }

    /// A number with 10 fraction bits between 2^-14 and 2, cut from a float.
    private struct HalfBits {
        let bits: UInt16
        let value: Double

        init(_ number: Float) {
            let cut = number.bitPattern & 0xFFFF_E000
            let exponent = Int((cut >> 23) & 0xFF) - 127 + 15
            guard exponent > 0 else {
                (bits, value) = (0, 0)
                return
            }
            bits = UInt16(cut >> 31) << 15 | UInt16(exponent) << 10 | UInt16((cut >> 13) & 0x3FF)
            value = Double(Float(bitPattern: cut))
        }
    }

    @Test(
        "every tier computes W·f(x) + b from every storage type",
        arguments: sharedCases(ud2m_linear_cases).filter { $0.use == UD2M_CASE_CHECKED }
            .map { (Int($0.outputs), Int($0.inputs)) },
        [UD2M_ELEMENT_F32, UD2M_ELEMENT_F16, UD2M_ELEMENT_BF16])
    func matchesDefinition(_ shape: (Int, Int), _ element: ud2m_element) throws {
        let (outputs, inputs) = shape
        var random = KernelRandom(UInt64(inputs))
        let (bytes, weights) = stored(random.values(outputs * inputs), element)
        let x = random.values(inputs, gain: 4)
        let bias = random.values(outputs)
        for activation in [UD2M_ACTIVATION_NONE, UD2M_ACTIVATION_SILU] {
            let expected = (0..<outputs).map { row in
                (0..<inputs).reduce(Double(bias[row])) {
                    $0 + weights[row * inputs + $1] * activation(Double(x[$1]))
                }
            }
            for isa in runnableTiers {
                let results = try (1...3).map { threads in
                    let pool = try KernelPool(threads: threads, isa: isa)
                    defer { keep(pool) }
                    var output = [Float](repeating: .nan, count: outputs)
                    bytes.withUnsafeBytes { bytes in
                        x.withUnsafeBufferPointer { x in
                            bias.withUnsafeBufferPointer { bias in
                                output.withUnsafeMutableBufferPointer { output in
                                    var linear = ud2m_linear(
                                        weights: bytes.baseAddress.map { $0 + 1 }, element: element,
                                        inputs: Int32(inputs), outputs: Int32(outputs), input: x.baseAddress,
                                        input_activation: activation, input_slope: 0, bias: bias.baseAddress,
                                        output: output.baseAddress)
                                    #expect(ud2m_linear_run(pool.handle, &linear) == UD2M_STATUS_OK)
                                }
                            }
                        }
                    }
                    return output
                }
                let error = normalisedError(results[0], expected)
                #expect(error < UD2M_BOUND_LINEAR, "\(isaName(isa)): \(error)")
                #expect(results[1] == results[0] && results[2] == results[0])
            }
        }
    }

    @Test("every half-precision bit pattern widens exactly")
    func widensEveryHalf() {
        let halves = (0...UInt16.max).map { $0 }
        var widened = [Float](repeating: 0, count: halves.count)
        halves.withUnsafeBytes {
            ud2m_convert_to_f32($0.baseAddress, UD2M_ELEMENT_F16, halves.count, &widened)
        }
        for (half, value) in zip(halves, widened) {
            let fraction = Double(half & 0x3FF)
            let exponent = Int(half >> 10 & 0x1F)
            #expect((value.sign == .minus) == (half & 0x8000 != 0) || value.isNaN)
            switch exponent {
            case 31: #expect(fraction == 0 ? value.isInfinite : value.isNaN)
            case 0: #expect(Double(abs(value)) == fraction * 0x1p-24)
            default: #expect(Double(abs(value)) == (1 + fraction / 1024) * pow(2, Double(exponent - 15)))
            }
        }
    }

    @Test("an embedding row is the row")
    func gathersRow() {
        let table: [Float] = [1, 2, 3, 4, 5, 6]
        var row = [Float](repeating: 0, count: 2)
        ud2m_embedding_row(table, UD2M_ELEMENT_F32, 2, 2, &row)
        #expect(row == [5, 6])
    }

    @Test("timestep embeddings follow both conventions", arguments: [8, 9, 128, 131])
    func timestepEmbeddings(_ width: Int) {
        let half = width / 2
        for timestep in [Float(0), 1, 37, 500.5, 999] {
            var adm = [Float](repeating: .nan, count: width)
            var ddpm = adm
            #expect(
                ud2m_timestep_embedding(timestep, Int32(width), UD2M_TIMESTEP_COSINE_FIRST, 0, &adm) == UD2M_STATUS_OK)
            #expect(
                ud2m_timestep_embedding(timestep, Int32(width), UD2M_TIMESTEP_SINE_FIRST, 1, &ddpm) == UD2M_STATUS_OK)
            for i in 0..<half {
                // float32 rounding of a frequency turns the angle by up to its relative error times the angle.
                let bound = 1e-6 + 4e-7 * Double(timestep)
                let angle = Double(timestep) * pow(10000, -Double(i) / Double(half))
                #expect(abs(Double(adm[i]) - cos(angle)) < bound)
                #expect(abs(Double(adm[half + i]) - sin(angle)) < bound)
                let other = Double(timestep) * pow(10000, -Double(i) / Double(half - 1))
                #expect(abs(Double(ddpm[i]) - sin(other)) < bound)
                #expect(abs(Double(ddpm[half + i]) - cos(other)) < bound)
            }
            #expect(width % 2 == 0 || (adm[width - 1] == 0 && ddpm[width - 1] == 0))
        }
        #expect(ud2m_timestep_embedding(1, 2, UD2M_TIMESTEP_SINE_FIRST, 1, nil) == UD2M_STATUS_INVALID)
        #expect(ud2m_timestep_embedding(1, 1, UD2M_TIMESTEP_COSINE_FIRST, 0, nil) == UD2M_STATUS_INVALID)
    }
}
