import UD2MFormats

/// The noise schedule that diffusers keeps in a `scheduler_config.json`, beside the model's file or in the folder
/// `scheduler` next to the model's.
///
/// It changes nothing about the network and goes into the store as the training configuration (`ud2w.config`), under
/// `scheduler`: whoever samples with the network needs it.
struct DiffusersSchedule: Sendable {
    /// The fields that describe the schedule, as the file has them.
    private let fields: JSONObject

    static let fileName = "scheduler_config.json"
    private static let names = [
        "num_train_timesteps", "beta_schedule", "beta_start", "beta_end", "trained_betas", "prediction_type",
        "rescale_betas_zero_snr",
    ]
    /// Where a repository keeps the file, seen from the folder of the model's.
    private static let places = ["", "../scheduler/"]

    /// Reads the file that belongs to a checkpoint; nil when there is none, or when it says nothing about a schedule.
    /// - Throws: ``UD2MError``: a `json-…` code, or `model-config` for a field of another kind, the field as the entry.
    init?(beside checkpoint: String?) throws(UD2MError) {
        guard let checkpoint, checkpoint != "-" else { return nil }
        let folder = String(checkpoint.lastIndex(of: "/").map { checkpoint[...$0] } ?? "")
        for place in Self.places {
            let path = folder + place + Self.fileName
            guard let object = try Self.object(at: path) else { continue }
            fields = try Self.checked(object, path)
            if fields.members.isEmpty { return nil }
            return
        }
        return nil
    }

    /// What goes into the store's training configuration.
    var record: JSONValue {
        var record = JSONObject()
        record["scheduler"] = .object(fields)
        return .object(record)
    }

    /// "scheduler_config.json: linear betas 0.0001…0.02, 1000 steps, epsilon prediction".
    var evidence: String {
        "\(Self.fileName): \(text("beta_schedule", "linear")) betas \(text("beta_start", "0.0001"))…"
            + "\(text("beta_end", "0.02")), \(text("num_train_timesteps", "1000")) steps, \(prediction) prediction"
    }

    /// What the sampler cannot do with such a network, or must be told, as a sentence; nil when it just works.
    var note: String? {
        guard prediction == "epsilon" else {
            return
                "The network predicts '\(prediction)', and ud2m restore needs one that predicts the noise (epsilon); "
                + "ud2m forward runs it."
        }
        let isLinear =
            text("beta_schedule", "linear") == "linear" && text("beta_start", "0.0001") == "0.0001"
            && text("beta_end", "0.02") == "0.02"
        let isCosine = text("beta_schedule", "linear") == "squaredcos_cap_v2"
        guard isLinear || isCosine, text("num_train_timesteps", "1000") == "1000",
            text("trained_betas", "null") == "null",
            text("rescale_betas_zero_snr", "false") == "false"
        else {
            return "The network was trained with a noise schedule that ud2m restore does not have; it has linear "
                + "(0.0001…0.02) and cosine, of 1000 steps."
        }
        return isCosine
            ? "The network was trained with the cosine schedule: pass --schedule cosine to ud2m restore." : nil
    }

    private var prediction: String { text("prediction_type", "epsilon") }

    /// A field for a person, or diffusers' default.
    private func text(_ name: String, _ absent: String) -> String {
        guard let value = fields[name] else { return absent }
        if case .string(let text) = value { return String(text.prefix(40)) }
        // Only numbers that are not finite have no text, and the parser gives none.
        return String(((try? value.canonicalText()) ?? "?").prefix(40))
    }

    private static func object(at path: String) throws(UD2MError) -> JSONObject? {
        do {
            let file = try MappedFile(path: path)
            let json = try withExtendedLifetime(file) { try JSONValue(parsing: file.bytes) }
            guard case .object(let object) = json else { return nil }
            return object
        } catch let error as UD2MError {
            if error.code == .fileMissing { return nil }
            throw error.located(in: .init(file: path))
        } catch {
            throw UD2MError(.modelConfig, "The schedule cannot be read: \(error)", at: .init(file: path))
        }
    }

    /// The fields of the schedule, each of the kind that diffusers writes.
    private static func checked(_ object: JSONObject, _ path: String) throws(UD2MError) -> JSONObject {
        var fields = JSONObject()
        for name in names {
            guard let value = object[name] else { continue }
            let isRight =
                switch (name, value) {
                case ("beta_schedule", .string), ("prediction_type", .string): true
                case ("num_train_timesteps", _): (1...1_000_000).contains(value.int ?? 0)
                case ("beta_start", .double), ("beta_end", .double): true
                case ("beta_start", .unsigned), ("beta_end", .unsigned): true
                case ("trained_betas", .null), ("trained_betas", .array): true
                case ("rescale_betas_zero_snr", .bool): true
                default: false
                }
            guard isRight else {
                throw UD2MError(
                    .modelConfig, "'\(name)' of the noise schedule is no value that diffusers writes.",
                    at: .init(file: path, entry: name))
            }
            fields[name] = value
        }
        return fields
    }
}
