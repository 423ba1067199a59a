import Crypto
import Emarsys
import JSON

/// How the rows of an account become contacts: the tenant's mappings, ready to be applied half a million times.
struct RowMapping: Sendable {
    private struct Entry: Sendable {
        var mapping: FieldMapping
        var position: Int
        var fallback: Int?
        var choices: ChoiceLabels?
        var fallbackChoices: ChoiceLabels?
        var kind: CustomProperty.Kind
    }

    /// The Emarsys fields to read.
    let fields: [Int]
    private let entries: [Entry]
    private let fingerprint: [UInt8]

    /// - Parameters:
    ///   - mappings: the tenant's mappings
    ///   - properties: its custom properties
    ///   - choices: labels by the field's id, for choice fields
    ///   - salt: whatever else decides what a value becomes, such as the default country
    init(mappings: [FieldMapping], properties: [CustomProperty], choices: [Int: ChoiceLabels], salt: String) {
        let kinds = Dictionary(properties.map { ($0.name, $0.kind) }, uniquingKeysWith: { first, _ in first })
        var fields: [Int] = []
        func position(_ field: Int) -> Int {
            if let index = fields.firstIndex(of: field) { return index }
            fields.append(field)
            return fields.count - 1
        }
        var entries: [Entry] = []
        var text = salt
        for mapping in mappings {
            var kind = CustomProperty.Kind.string
            if case .customProperty(let name) = mapping.destination {
                guard let known = kinds[name] else { continue }
                kind = known
            }
            let entry = Entry(
                mapping: mapping, position: position(mapping.source), fallback: mapping.fallbackSource.map(position),
                choices: choices[mapping.source], fallbackChoices: mapping.fallbackSource.flatMap { choices[$0] },
                kind: kind)
            entries.append(entry)
            text += "\u{2}\(mapping.source)/\(mapping.fallbackSource ?? 0)/\(mapping.destination.text)/"
            text += "\(mapping.overwrite.rawValue)/\(mapping.onEmpty.rawValue)/\(kind.rawValue)/"
            text += (entry.choices?.fingerprint ?? "") + (entry.fallbackChoices?.fingerprint ?? "")
        }
        self.fields = fields
        self.entries = entries
        fingerprint = SHA256.hash(Array(text.utf8))
    }

    /// The hash of a row's mapped values and of the mapping: equal means there is nothing to do.
    func hash(_ row: ContactRow) -> [UInt8] {
        var bytes = fingerprint
        bytes.reserveCapacity(256)
        for value in row.values {
            switch value {
            case .absent, .null: bytes.append(0)
            case .text(let text):
                bytes.append(1)
                bytes.append(contentsOf: text.utf8)
            case .choices(let ids):
                bytes.append(2)
                for id in ids.sorted() {
                    bytes.append(contentsOf: id.utf8)
                    bytes.append(3)
                }
            }
            bytes.append(0xFF)
        }
        return Array(SHA256.hash(bytes).prefix(16))
    }

    /// The row as a contact on its way, and the values that no destination could hold.
    func incoming(_ row: ContactRow, hash: [UInt8]) -> (IncomingContact, [FieldFault]) {
        var contact = IncomingContact(externalReferenceID: row.id)
        contact.sourceHash = hash
        contact.phoneRule = .leave
        contact.emailRule = .leave
        var faults: [FieldFault] = []
        var write = CustomObject()
        var fill = CustomObject()
        var creation = CustomObject()
        for entry in entries {
            var text = ValueConversion.text(value(row, entry.position), choices: entry.choices)
            if text == nil, let fallback = entry.fallback {
                text = ValueConversion.text(value(row, fallback), choices: entry.fallbackChoices)
            }
            let rule = Self.rule(entry.mapping, isEmpty: text == nil)
            switch entry.mapping.destination {
            case .firstName: contact.firstName = .init(text, rule)
            case .lastName: contact.lastName = .init(text, rule)
            case .phone:
                contact.phone = text
                contact.phoneRule = Self.rule(entry.mapping, isEmpty: false)
            case .email:
                contact.email = text
                contact.emailRule = Self.rule(entry.mapping, isEmpty: false)
            case .customProperty(let name):
                guard let text else {
                    if rule == .write { contact.custom.clear.append(name) }
                    continue
                }
                if entry.kind == .date, text.hasPrefix("0000-00-00") {
                    if Self.rule(entry.mapping, isEmpty: true) == .write { contact.custom.clear.append(name) }
                    continue
                }
                guard let json = ValueConversion.json(text, kind: entry.kind) else {
                    faults.append(
                        FieldFault(
                            code: ValueConversion.fault(entry.kind), destination: entry.mapping.destination.text,
                            value: text))
                    continue
                }
                switch rule {
                case .leave: break
                case .write: write.add(name, json)
                case .fillBlank: fill.add(name, json)
                case .onCreation: creation.add(name, json)
                }
            }
        }
        contact.custom.write = write.bytes
        contact.custom.fillBlank = fill.bytes
        contact.custom.onCreation = creation.bytes
        return (contact, faults)
    }

    private func value(_ row: ContactRow, _ position: Int) -> EmarsysValue {
        position < row.values.count ? row.values[position] : .absent
    }

    private static func rule(_ mapping: FieldMapping, isEmpty: Bool) -> IncomingContact.Rule {
        switch mapping.overwrite {
        case .always: isEmpty && mapping.onEmpty == .keep ? .leave : .write
        case .fillBlank: isEmpty ? .leave : .fillBlank
        case .never: isEmpty ? .leave : .onCreation
        }
    }
}

/// A JSON object under construction; nil while it is empty.
private struct CustomObject {
    private var writer: JSONWriter?

    mutating func add(_ name: String, _ value: JSON) {
        if writer == nil {
            writer = JSONWriter(capacity: 128)
            writer?.beginObject()
        }
        writer?.key(dynamic: name)
        writer?.value(value)
    }

    var bytes: [UInt8]? {
        guard var writer else { return nil }
        writer.endObject()
        return writer.bytes
    }
}
