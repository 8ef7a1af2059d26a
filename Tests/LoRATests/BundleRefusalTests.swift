import Foundation
import Testing
import UD2MFormats
import UD2MLoRA
import UD2MTestSupport

@Suite("bundles that are damaged or made to harm")
struct BundleRefusalTests {
    let folder: TemporaryDirectory
    let path: String

    init() throws {
        folder = try TemporaryDirectory()
        path = folder.path("b.ud2w")
    }

    private func refusal() -> UD2MError? { thrownError { try TaskBundle(path: path) } }

    @Test("the bundle that the others are made from is sound")
    func sound() throws {
        try BundleFixture.write(to: path)
        let bundle = try TaskBundle(path: path)
        #expect(bundle.adapter.targets.map(\.tensorName) == ["a.weight", "b.bias", "c"])
        #expect(bundle.adapter.targets.map(\.change.scale) == [1.5, 1, 0.5])
        #expect(TaskBundle.isBundle(path: path))
        try bundle.requireFinite()
    }

    static let manifests: [(String, String, UD2MError.Code)] = [
        (#""version": 1"#, #""version": 2"#, .bundleVersion), (#""version": 1"#, #""version": "1""#, .bundleVersion),
        (#""version": 1, "#, "", .bundleVersion), ("task-adapter", "other", .bundleVersion),
        (#""kind": "task-adapter", "#, "", .bundleManifest), (#""sr""#, #""SR/..""#, .bundleManifest),
        (#""steps": 3"#, #""steps": 0"#, .bundleManifest), (#""steps": 3"#, #""steps": 1e99"#, .bundleManifest),
        (#""steps": 3"#, #""steps": 99999999999999999999"#, .bundleManifest),
        (#""steps": 3"#, #""steps": 2, "timesteps": [5]"#, .bundleSettings),
        (#""steps": 3"#, #""steps": 2, "timesteps": [5, 6]"#, .bundleManifest),
        (#""steps": 3"#, #""steps": 2, "timesteps": [1000, 6]"#, .bundleManifest),
        (#""steps": 3, "#, "", .bundleManifest), (#""eta": 0.8"#, #""eta": NaN"#, .bundleManifest),
        (#""eta": 0.8"#, #""eta": "NaN""#, .bundleManifest), (#""eta": 0.8"#, #""eta": 1.5"#, .bundleManifest),
        (#""eta": 0.8"#, #""eta": 0.8, "scalars": {"lambdaSigma": 1e9}"#, .bundleManifest),
        (#""eta": 0.8"#, #""eta": 0.8, "scalars": {"tAug": null}"#, .bundleManifest),
        (#""eta": 0.8"#, #""eta": 0.8, "sigma": 0"#, .bundleManifest),
        (#""eta": 0.8"#, #""eta": 0.8, "sigma": 1e400"#, .bundleManifest),
        (
            #""eta": 0.8"#, #""eta": 0.8, "operator": {"version": 1, "task": "sr", "mask": "/etc/passwd"}"#,
            .bundleManifest
        ),
        (#""eta": 0.8"#, #""eta": 0.8, "operator": []"#, .bundleManifest),
        (#""name": "n""#, #""name": """#, .bundleManifest), (#""name": "n""#, #""name": "a\u001bb""#, .bundleManifest),
        (#""linear""#, #""sigmoid""#, .bundleManifest), (#""usesRAM": false"#, #""usesRAM": 0"#, .bundleManifest),
        (#""thin""#, #""fat""#, .bundleTensor), (#""lineage": []"#, #""lineage": {}"#, .bundleManifest),
        (#""lineage": []"#, #""lineage": [{"role": "adapter"}]"#, .bundleManifest),
        (#""name": "b""#, #""name": "b", "content": "x""#, .bundleManifest),
        (#""name": "b", "#, "", .bundleManifest),
        (#""lineage": []"#, #""lineage": [], "ram": {"family": "ram"}"#, .architectureInvalid),
        (
            #""lineage": []"#,
            #""lineage": [], "ram": {"family":"ram","widths":[8,8,8,8],"blocks_per_level":1,"image_channels":[3],"flavour":"original"}"#,
            .bundleTensor
        ),
        ("{", "", .bundleManifest),
    ]

    @Test("manifests that make no sense", arguments: manifests.indices)
    func manifest(_ index: Int) throws {
        let (part, other, code) = Self.manifests[index]
        let text = BundleFixture.manifest
        let range = try #require(text.firstRange(of: part))
        try BundleFixture.write(to: path, manifest: text.replacingCharacters(in: range, with: other))
        let error = try #require(refusal())
        #expect(error.code == code)
        #expect(error.location.file == path)
    }

    @Test("no manifest, a huge one, one that is no object, and no description of the adapter")
    func missing() throws {
        try BundleFixture.write(to: path, manifest: nil)
        #expect(refusal()?.code == .bundleMissing)
        #expect(!TaskBundle.isBundle(path: path))
        for text in [String(repeating: " ", count: 2 << 20), "[]", "", String(repeating: "[", count: 5000)] {
            let path = folder.path("m\(text.count).ud2w")
            try BundleFixture.write(to: path, manifest: text)
            #expect(thrownError { try TaskBundle(path: path) }?.code == .bundleManifest)
        }
        let bare = folder.path("bare.ud2w")
        try BundleFixture.write(to: bare, description: nil)
        #expect(thrownError { try TaskBundle(path: bare) }?.code == .bundleManifest)
        let plain = folder.path("plain.safetensors")
        try SafetensorsFile.write(
            to: plain,
            tensors: BundleFixture.shapes.map {
                TensorInput(name: TensorName($0.0), shape: $0.1, floats: AdapterFixture.numbers($0.0, $0.1))
            },
            metadata: [BundleManifest.key: BundleFixture.manifest, AdapterManifest.key: BundleFixture.description])
        #expect(thrownError { try TaskBundle(path: plain) }?.code == .bundleMissing)
    }

    static let descriptions: [(String, String, UD2MError.Code)] = [
        (#""version": 1"#, #""version": 2"#, .adapterConfiguration), (#""rank": 1"#, #""rank": 0"#, .adapterRank),
        (#""rank": 1, "#, "", .adapterRank), (#""rank": 1"#, #""rank": -1"#, .adapterRank),
        (#""rank": 1"#, #""rank": 2"#, .bundleTensor), (#""lora""#, #""dora""#, .adapterKind),
        (#""lora""#, #""replacement""#, .bundleTensor), ("[3, 2]", "[3]", .bundleManifest),
        ("[3, 2]", "[-3, 2]", .bundleManifest), ("[3, 2]", "[2, 3]", .bundleTensor),
        ("[3, 2]", "[0, 2]", .bundleManifest), (#""module": "b""#, #""module": "d""#, .bundleTensor),
        (#""module": "b", "parameter": "bias""#, #""module": "a", "parameter": "weight""#, .bundleTensor),
        (#""scale": 0.5"#, #""scale": NaN"#, .adapterConfiguration), ("[2, 2]", "[4, 1]", .bundleTensor),
        (#""ud2m""#, #""other""#, .adapterConfiguration),
    ]

    @Test("descriptions that do not fit the tensors", arguments: descriptions.indices)
    func description(_ index: Int) throws {
        let (part, other, code) = Self.descriptions[index]
        let text = BundleFixture.description
        let range = try #require(text.firstRange(of: part))
        try BundleFixture.write(to: path, description: text.replacingCharacters(in: range, with: other))
        let error = try #require(refusal())
        #expect(error.code == code)
        #expect(error.location.file == path)
    }

    @Test("an adapter that changes nothing, and one that changes a tensor twice")
    func targets() throws {
        let text = BundleFixture.description
        let start = try #require(text.firstRange(of: "["))
        try BundleFixture.write(
            to: path, description: String(text[..<start.upperBound]) + "]}",
            tensors: [
                TensorSource("adapter.a", [1], shape: [1])
            ])
        #expect(refusal()?.code == .bundleManifest)
        let twice = folder.path("twice.ud2w")
        let first = #"{"module": "a", "parameter": "weight", "kind": "difference", "scale": 1, "shape": [3, 2]}"#
        try BundleFixture.write(
            to: twice, description: text.replacing("]}]}", with: "]}, \(first)]}"),
            tensors: (BundleFixture.shapes + [("adapter.a.weight.difference", [3, 2])]).map {
                TensorSource($0.0, AdapterFixture.numbers($0.0, $0.1), shape: $0.1)
            })
        #expect(thrownError { try TaskBundle(path: twice) }?.code == .bundleManifest)
    }

    @Test("tensors that are missing, of another type, or of nothing")
    func tensors() throws {
        let sound = BundleFixture.shapes.map {
            TensorSource($0.0, AdapterFixture.numbers($0.0, $0.1), shape: $0.1)
        }
        let half = TensorSource(sound[0].name.text, [1, 2, 3], shape: [3, 1], as: .f16)
        let cases: [([TensorSource], String)] = [
            (Array(sound.dropFirst()), "adapter.a.weight.up"), (Array(sound.dropLast()), "adapter.c.difference"),
            ([half] + sound.dropFirst(), "adapter.a.weight.up"),
            (sound + [TensorSource("adapter.d.up", [1], shape: [1])], "adapter.d.up"),
            (sound + [TensorSource("other", [1], shape: [1])], "other"),
            (sound + [TensorSource("ram.m_head.conv0.weight", [1], shape: [1])], "ram.m_head.conv0.weight"),
            (sound + [TensorSource("base.a.weight", [1], shape: [1])], "base.a.weight"),
        ]
        for (index, (tensors, name)) in cases.enumerated() {
            let path = folder.path("t\(index).ud2w")
            try BundleFixture.write(to: path, tensors: tensors)
            let error = thrownError { try TaskBundle(path: path) }
            #expect(error?.code == .bundleTensor)
            #expect(error?.location.tensor == name)
        }
    }

    @Test("numbers that are none are found when they are asked for")
    func notFinite() throws {
        var tensors = BundleFixture.shapes.map {
            TensorSource($0.0, AdapterFixture.numbers($0.0, $0.1), shape: $0.1)
        }
        tensors[1] = TensorSource("adapter.a.weight.down", [1, .nan], shape: [1, 2])
        try BundleFixture.write(to: path, tensors: tensors)
        let error = thrownError { try TaskBundle(path: path).requireFinite() }
        #expect(error?.code == .adapterNotFinite)
        #expect(error?.location.tensor == "adapter.a.weight.down")
        #expect(error?.location.file == path)
    }

    @Test("a bundle cut short anywhere, or with any byte of its header changed, is refused or reads the same")
    func damage() throws {
        try BundleFixture.write(to: path)
        let bytes = try Data(contentsOf: URL(filePath: path))
        let other = folder.path("cut.ud2w")
        for count in stride(from: 0, to: bytes.count, by: 97) {
            try bytes.prefix(count).write(to: URL(filePath: other))
            #expect(thrownError { try TaskBundle(path: other) } != nil)
        }
        for offset in stride(from: 0, to: min(bytes.count, 4000), by: 13) {
            var changed = bytes
            changed[offset] ^= 0x20
            try changed.write(to: URL(filePath: other))
            // Whether it opens is the byte's matter; that nothing traps is ours.
            _ = thrownError { try TaskBundle(path: other).requireFinite() }
        }
        var changed = bytes
        changed[changed.count - 1] ^= 1
        try changed.write(to: URL(filePath: other))
        #expect(thrownError { try TaskBundle(path: other).requireFinite() }?.code == .storeDigest)
    }
}
