import Foundation
import Testing
import UD2MFormats
import UD2MLinearAlgebra
import UD2MLoRA
import UD2MTestSupport

@Suite("factors that PEFT took out of the network")
struct ChangedBaseTests {
    private func adapter(_ fields: String) throws -> Adapter {
        try AdapterFixture.adapter(
            [("base_model.model.a.lora_A.weight", [2, 3]), ("base_model.model.a.lora_B.weight", [3, 2])],
            configuration: #"{"peft_type": "LORA", "r": 2, "lora_alpha": 2, \#(fields)}"#)
    }

    @Test(
        "PEFT's configuration keeps saying it",
        arguments: [
            (#""init_lora_weights": "pissa_niter_16""#, ["init_lora_weights"]),
            (#""init_lora_weights": "olora""#, ["init_lora_weights"]),
            (
                #""init_lora_weights": "loftq", "loftq_config": {"loftq_bits": 4, "loftq_iter": 1}"#,
                ["init_lora_weights", "loftq_config"]
            ),
            (
                #""init_lora_weights": "corda", "corda_config": {"corda_method": "ipm"}"#,
                ["init_lora_weights", "corda_config"]
            ),
        ])
    func kept(_ fields: String, _ keys: [String]) throws {
        let conversion = try AdapterConversion(try adapter(fields), options: .init(convention: .peft))
        guard case .object(let found)? = conversion.configuration,
            case .object(let expected) = try JSONValue(parsing: "{\(fields)}")
        else { return #expect(Bool(false)) }
        for key in keys { #expect(found[key] == expected[key]) }
        #expect(found["r"]?.int == 2)
    }

    @Test(
        "other initialisations leave the network alone",
        arguments: ["true", "false", "\"gaussian\"", "\"eva\"", "null"])
    func others(_ word: String) throws {
        let adapter = try adapter("\"init_lora_weights\": \(word)")
        #expect(adapter.changedBase == nil && adapter.notes.isEmpty)
        _ = try AdapterConversion(adapter, options: .init(convention: .kohya))
    }

    @Test(
        "conventions that cannot say it are refused unless it is asked for",
        arguments: [AdapterConvention.kohya, .diffusers])
    func refused(_ convention: AdapterConvention) throws {
        let adapter = try adapter(#""init_lora_weights": "pissa""#)
        var options = AdapterConversion.Options(convention: convention)
        #expect(thrownError { try AdapterConversion(adapter, options: options) }?.code == .adapterNotExpressible)
        options.isForChangedBase = true
        #expect(try AdapterConversion(adapter, options: options).targets.count == 1)
    }

    @Test("PEFT could not take computed factors out again, so that they are refused for PEFT too")
    func computed() throws {
        let adapter = try adapter(#""init_lora_weights": "pissa""#)
        let sum = try AdapterCombination([.init(adapter), .init(adapter)], convention: .peft).adapter(path: "sum")
            .adapter
        for other in [try adapter.resized(to: .each(.rank(1))).adapter, sum] {
            #expect(other.changedBase?.initialisation == "pissa")
            var options = AdapterConversion.Options(convention: .peft)
            #expect(thrownError { try AdapterConversion(other, options: options) }?.code == .adapterNotExpressible)
            options.isForChangedBase = true
            let conversion = try AdapterConversion(other, options: options)
            guard case .object(let found)? = conversion.configuration else { return #expect(Bool(false)) }
            #expect(found["init_lora_weights"] == nil)
        }
    }
}
