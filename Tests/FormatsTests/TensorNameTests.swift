import Testing
import UD2MFormats

/// How names that are no UTF-8 are shown.
@Suite("tensor names as text")
struct TensorNameTests {
    @Test(
        "what is no text is escaped, and the rest stays",
        arguments: [
            (Array("größe.😀".utf8), "größe.😀"), ([0x61, 0xED, 0xA0, 0x80, 0x62], #"a\u{d800}b"#),
            ([0xED, 0xBF, 0xBF], #"\u{dfff}"#), ([0x61, 0xFF, 0xC3, 0xA4], #"a\x{ff}ä"#), ([0x80], #"\x{80}"#),
            ([0xE2, 0x82], #"\x{e2}\x{82}"#), ([0xF0, 0x9F, 0x98], #"\x{f0}\x{9f}\x{98}"#), ([], ""),
        ] as [([UInt8], String)])
    func escaped(_ bytes: [UInt8], _ text: String) {
        #expect(TensorName(bytes: bytes).text == text)
    }
}
