import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Attention with heads that the device's kernels do not take, such as the one of 512 channels of DDPM-256: the maps are
/// copied to the CPU, which attends, and the result is copied back.
extension Attention {
    /// Whether the device's kernels take the heads.
    var hasDeviceHeads: Bool {
        let head = channels / heads
        return head % 8 == 0 && (8...256).contains(head)
    }

    /// Attends on the calling thread, in float32.
    /// - Parameter qkv: [1, 3C, H, W].
    /// - Returns: [1, C, H, W].
    /// - Throws: `external-result` for a map of other channels.
    func onHost(_ qkv: Tensor) throws -> Tensor {
        guard qkv.shape.count == 4, qkv.shape[1] == 3 * channels else {
            throw UD2MError(.externalResult, "Attention of \(channels) channels cannot take \(qkv.shape).")
        }
        let tokens = qkv.shape[2] * qkv.shape[3]
        let head = channels / heads
        var result = [Float](repeating: 0, count: channels * tokens)
        var scores = [Float](repeating: 0, count: tokens * tokens)
        qkv.values.withUnsafeBufferPointer { values in
            result.withUnsafeMutableBufferPointer { result in
                scores.withUnsafeMutableBufferPointer { scores in
                    for index in 0..<heads {
                        // The first channels of the head's queries, keys and values.
                        let (query, step) = order == .headMajor ? (3 * head * index, head) : (head * index, channels)
                        func rows(_ channel: Int) -> UnsafeBufferPointer<Float> {
                            UnsafeBufferPointer(rebasing: values[channel * tokens..<(channel + head) * tokens])
                        }
                        let output = UnsafeMutableBufferPointer(
                            rebasing: result[head * index * tokens..<head * (index + 1) * tokens])
                        Self.attend(
                            rows(query), rows(query + step), rows(query + 2 * step), tokens: tokens,
                            scale: 1 / Float(head).squareRoot(), scores: scores, output)
                    }
                }
            }
        }
        return try Tensor(shape: [1, channels, qkv.shape[2], qkv.shape[3]], values: result)
    }

    /// One head: rows are channels, columns tokens. A row of scores has the keys' tokens of all queries side by side, so that
    /// every inner loop runs over queries.
    private static func attend(
        _ queries: UnsafeBufferPointer<Float>, _ keys: UnsafeBufferPointer<Float>, _ values: UnsafeBufferPointer<Float>,
        tokens: Int, scale: Float, scores: UnsafeMutableBufferPointer<Float>,
        _ output: UnsafeMutableBufferPointer<Float>
    ) {
        let channels = queries.count / max(tokens, 1)
        scores.update(repeating: 0)
        for channel in 0..<channels {
            let row = channel * tokens
            for key in 0..<tokens {
                let factor = keys[row + key] * scale
                for query in 0..<tokens { scores[key * tokens + query] += factor * queries[row + query] }
            }
        }
        for query in 0..<tokens {
            var largest = -Float.infinity
            for key in 0..<tokens { largest = max(largest, scores[key * tokens + query]) }
            var sum: Float = 0
            for key in 0..<tokens {
                let weight = exp(scores[key * tokens + query] - largest)
                scores[key * tokens + query] = weight
                sum += weight
            }
            for key in 0..<tokens { scores[key * tokens + query] /= sum }
        }
        output.update(repeating: 0)
        for channel in 0..<channels {
            let row = channel * tokens
            for key in 0..<tokens {
                let factor = values[row + key]
                for query in 0..<tokens { output[row + query] += factor * scores[key * tokens + query] }
            }
        }
    }
}
