import UD2MFormats

/// Opens a store and adds up the bytes of one tensor, over and over; prints milliseconds.
///
///     swift run -c release --package-path Benchmarks open-store STORE TENSOR [ROUNDS]
@main
struct OpenStore {
    /// Outside the main actor: a closure of `main` would ask for its executor at every byte.
    nonisolated private static func total(_ bytes: UnsafeRawBufferPointer) -> Int {
        bytes.reduce(0) { $0 + Int($1) }
    }

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3 else {
            print("usage: open-store STORE TENSOR [ROUNDS]")
            return
        }
        let rounds = arguments.count > 3 ? max(1, Int(arguments[3]) ?? 1) : 51
        var times: [Double] = []
        var sum = 0
        for _ in 0..<rounds {
            let start = ContinuousClock.now
            let store = try WeightStore(path: arguments[1])
            guard let tensor = store[TensorName(arguments[2])] else {
                print("the store has no such tensor")
                return
            }
            sum += tensor.withBytes(total)
            let elapsed = ContinuousClock.now - start
            times.append(Double(elapsed.components.attoseconds) / 1e15 + Double(elapsed.components.seconds) * 1e3)
        }
        let first = times[0]
        times.sort()
        print("first \(first) ms, median \(times[rounds / 2]) ms, most \(times[rounds - 1]) ms (\(sum / rounds))")
    }
}
