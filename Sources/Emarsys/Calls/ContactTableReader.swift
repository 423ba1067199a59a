import JSON

/// Reads getdata answers, in all the shapes that were seen.
///
/// `result` is a list of rows, or `false`, `null` or missing when no key was found; `errors` is a list, a map, `null`
/// or missing. Rows are objects of strings, nulls, numbers and lists of choice ids, in any order of keys.
struct ContactTableReader {
    private var table: ContactTable

    static func table(_ body: [UInt8], fields: [Int]) throws(EmarsysError) -> ContactTable {
        var reader = ContactTableReader(table: ContactTable(fields: fields))
        reader.table.rows.reserveCapacity(min(EmarsysClient.mostKeys, body.count / 64))
        try AnswerEnvelope.read(body) { scanner, bytes throws(JSONError) in try reader.data(&scanner, bytes) }
        return reader.table
    }

    private mutating func data(_ scanner: inout JSONScanner, _ bytes: RawSpan) throws(JSONError) {
        guard try scanner.kind(bytes) == .object else {
            _ = try scanner.value(bytes)  // "" or null
            return
        }
        try scanner.beginObject(bytes)
        while let key = try scanner.nextMember(bytes) {
            if key.equals("result", in: bytes), try scanner.kind(bytes) == .array {
                try scanner.beginArray(bytes)
                while try scanner.nextElement(bytes) { try row(&scanner, bytes) }
            } else if key.equals("errors", in: bytes) {
                table.misses = ContactTableReader.misses(try scanner.value(bytes).json(in: bytes))
            } else {
                _ = try scanner.value(bytes)
            }
        }
    }

    private mutating func row(_ scanner: inout JSONScanner, _ bytes: RawSpan) throws(JSONError) {
        guard try scanner.kind(bytes) == .object else {
            _ = try scanner.value(bytes)
            return
        }
        var row = ContactRow(id: "", values: Array(repeating: .absent, count: table.fields.count))
        var next = 0
        try scanner.beginObject(bytes)
        while let key = try scanner.nextMember(bytes) {
            if let field = key.fieldID(in: bytes) {
                let value = try ContactTableReader.value(&scanner, bytes)
                // Rows mostly name the fields in the order in which they were asked for.
                let isNext = next < table.fields.count && table.fields[next] == field
                guard let column = isNext ? next : table.fields.firstIndex(of: field) else { continue }
                row.values[column] = value
                next = column + 1
            } else {
                let value = try scanner.value(bytes)
                if key.equals("id", in: bytes) { row.id = value.looseText(in: bytes) ?? "" }
            }
        }
        if !row.id.isEmpty { table.rows.append(row) }
    }

    private static func value(_ scanner: inout JSONScanner, _ bytes: RawSpan) throws(JSONError) -> EmarsysValue {
        guard try scanner.kind(bytes) == .array else {
            return try scanner.value(bytes).looseText(in: bytes).map { .text($0) } ?? .null
        }
        var ids: [String] = []
        try scanner.beginArray(bytes)
        while try scanner.nextElement(bytes) {
            if let id = try scanner.value(bytes).looseText(in: bytes) { ids.append(id) }
        }
        return .choices(ids)
    }

    private static func misses(_ errors: JSON) -> [ContactTable.Miss] {
        if let list = errors.array {
            return list.compactMap { item in
                guard let key = item["key"]?.looseText else { return nil }
                return ContactTable.Miss(
                    key: key, code: item["errorCode"]?.looseInt ?? 0, text: item["errorMsg"]?.looseText ?? "")
            }
        }
        return (errors.object ?? [:]).map { key, value in
            let first = value.object?.members.first
            return ContactTable.Miss(
                key: key, code: first.flatMap { Int($0.key) } ?? 0,
                text: first?.value.looseText ?? value.looseText ?? "")
        }
    }
}

/// Reads the contact ids of a segment: a list of strings or numbers.
enum SegmentContactsReader {
    static func ids(_ body: [UInt8]) throws(EmarsysError) -> [String] {
        var ids: [String] = []
        ids.reserveCapacity(body.count / 12)
        try AnswerEnvelope.read(body) { scanner, bytes throws(JSONError) in
            guard try scanner.kind(bytes) == .array else {
                _ = try scanner.value(bytes)  // "" where there is none
                return
            }
            try scanner.beginArray(bytes)
            while try scanner.nextElement(bytes) {
                if let id = try scanner.value(bytes).looseText(in: bytes), !id.isEmpty { ids.append(id) }
            }
        }
        return ids
    }
}
