import Foundation

extension JSONSchema {
    /// References that lead to each other for ever are cut here.
    private static let maximumDepth = 200

    /// The ways in which `value` breaks `schema`.
    func violations(
        of value: JSONDocument, schema: JSONDocument, in file: String, at place: String, depth: Int = 0
    ) -> [String] {
        guard depth < Self.maximumDepth else { return ["\(place): the schema refers to itself without end"] }
        switch schema {
        case .bool(true): return []
        case .object(let keywords):
            return keywords.sorted { $0.key < $1.key }.flatMap { keyword, rule in
                violations(
                    of: value, keyword: keyword, rule: rule, keywords: keywords, in: file, at: place,
                    depth: depth + 1)
            }
        default: return ["\(place): nothing is allowed here"]
        }
    }

    private func violations(
        of value: JSONDocument, keyword: String, rule: JSONDocument, keywords: [String: JSONDocument],
        in file: String, at place: String, depth: Int
    ) -> [String] {
        func all(_ schemas: [JSONDocument]) -> [[String]] {
            schemas.map { violations(of: value, schema: $0, in: file, at: place, depth: depth) }
        }
        switch (keyword, rule) {
        case ("type", .string(let name)):
            return value.has(type: name) ? [] : ["\(place): \(value.typeName) instead of \(name)"]
        case ("type", .array(let names)):
            return names.contains { value.has(type: $0.string ?? "") }
                ? [] : ["\(place): \(value.typeName) is not allowed"]
        case ("enum", .array(let values)):
            return values.contains(value) ? [] : ["\(place): not one of the allowed values"]
        case ("const", _): return value == rule ? [] : ["\(place): not the required value"]
        case ("allOf", .array(let schemas)): return all(schemas).flatMap(\.self)
        case ("anyOf", .array(let schemas)):
            let results = all(schemas)
            return results.contains(where: { $0.isEmpty })
                ? [] : ["\(place): no alternative fits"] + results.flatMap(\.self)
        case ("oneOf", .array(let schemas)):
            let results = all(schemas)
            let fitting = results.count(where: { $0.isEmpty })
            if fitting == 1 { return [] }
            return ["\(place): \(fitting) alternatives fit instead of one"]
                + (fitting == 0 ? results.flatMap(\.self) : [])
        case ("$ref", .string(let reference)):
            guard let (owner, schema) = resolve(Reference(file: file, target: reference)) else {
                return ["\(place): \(reference) is missing"]
            }
            return violations(of: value, schema: schema, in: owner, at: place, depth: depth)
        case ("minimum", .number(let bound)):
            return value.number.map { $0 >= bound } ?? true ? [] : ["\(place): too small"]
        case ("maximum", .number(let bound)):
            return value.number.map { $0 <= bound } ?? true ? [] : ["\(place): too large"]
        case ("minLength", .number(let count)):
            return value.string.map { Double($0.unicodeScalars.count) >= count } ?? true ? [] : ["\(place): too short"]
        case ("pattern", .string(let pattern)):
            return value.string.map { matches($0, pattern) } ?? true ? [] : ["\(place): does not match \(pattern)"]
        default: break
        }
        switch value {
        case .array(let items):
            return arrayViolations(items, keyword: keyword, rule: rule, in: file, at: place, depth: depth)
        case .object(let members):
            return objectViolations(
                members, keyword: keyword, rule: rule, keywords: keywords, in: file, at: place, depth: depth)
        default: return []
        }
    }

    private func arrayViolations(
        _ items: [JSONDocument], keyword: String, rule: JSONDocument, in file: String, at place: String, depth: Int
    ) -> [String] {
        switch (keyword, rule) {
        case ("items", _):
            return items.enumerated().flatMap {
                violations(of: $1, schema: rule, in: file, at: "\(place)[\($0)]", depth: depth)
            }
        case ("minItems", .number(let count)): return Double(items.count) >= count ? [] : ["\(place): too few items"]
        case ("maxItems", .number(let count)): return Double(items.count) <= count ? [] : ["\(place): too many items"]
        default: return []
        }
    }

    private func objectViolations(
        _ members: [String: JSONDocument], keyword: String, rule: JSONDocument, keywords: [String: JSONDocument],
        in file: String, at place: String, depth: Int
    ) -> [String] {
        let sorted = members.sorted { $0.key < $1.key }
        func check(_ name: String, _ member: JSONDocument, _ schema: JSONDocument) -> [String] {
            violations(of: member, schema: schema, in: file, at: "\(place).\(name)", depth: depth)
        }
        switch (keyword, rule) {
        case ("required", .array(let names)):
            return names.compactMap(\.string).filter { members[$0] == nil }.map { "\(place): \($0) is missing" }
        case ("properties", .object(let schemas)):
            return sorted.flatMap { name, member in schemas[name].map { check(name, member, $0) } ?? [] }
        case ("patternProperties", .object(let schemas)):
            return schemas.sorted { $0.key < $1.key }.flatMap { pattern, schema in
                sorted.filter { matches($0.key, pattern) }.flatMap { check($0.key, $0.value, schema) }
            }
        case ("additionalProperties", _):
            let named = keywords["properties"]?.object ?? [:]
            let patterns = keywords["patternProperties"]?.object ?? [:]
            let rest = sorted.filter { name, _ in
                named[name] == nil && !patterns.keys.contains { matches(name, $0) }
            }
            if rule == .bool(false) { return rest.map { "\(place): \($0.key) is not allowed" } }
            return rest.flatMap { check($0.key, $0.value, rule) }
        default: return []
        }
    }

    /// Whether the pattern is found anywhere in the text, as JSON Schema means it.
    private func matches(_ text: String, _ pattern: String) -> Bool {
        guard let expression = try? Regex(pattern) else { return false }
        return text.firstMatch(of: expression) != nil
    }
}
