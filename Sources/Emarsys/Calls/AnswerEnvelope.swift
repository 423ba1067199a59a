import JSON

/// The envelope around every answer, for answers too large to build a tree of: `replyCode`, `replyText` and `data` in
/// any order.
///
/// Half a million contacts come as 500 answers of about half a megabyte; a tree of each would cost more than all the
/// rest of reading them.
enum AnswerEnvelope {
    /// Walks through an answer; `data` must read the value of `data`, whatever it is.
    ///
    /// - Throws: `unreadable` for what is not JSON, the answer's own error for a reply code other than 0
    static func read(_ body: [UInt8], data: (inout JSONScanner, RawSpan) throws(JSONError) -> Void)
        throws(EmarsysError)
    {
        var code: Int?
        var text: String?
        do throws(JSONError) {
            let bytes = body.span.bytes
            var scanner = JSONScanner()
            try scanner.beginObject(bytes)
            while let key = try scanner.nextMember(bytes) {
                if key.equals("data", in: bytes) {
                    try data(&scanner, bytes)
                } else if key.equals("replyCode", in: bytes) {
                    code = try scanner.value(bytes).json(in: bytes).looseInt
                } else if key.equals("replyText", in: bytes) {
                    text = try scanner.value(bytes).json(in: bytes).looseText
                } else {
                    _ = try scanner.value(bytes)
                }
            }
            try scanner.end(bytes)
        } catch {
            throw EmarsysError(.unreadable, httpStatus: 200, text: "the answer is not what it should be")
        }
        try EmarsysClient.checkReply(code: code, text: text)
    }
}

extension JSONSlice {
    /// A string, number, true or false as text; nil for null, lists and objects.
    @inline(__always)
    func looseText(in bytes: RawSpan) -> String? {
        switch kind {
        case .string: string(in: bytes)
        case .number: number(in: bytes)?.text
        case .bool: bool(in: bytes) == true ? "true" : "false"
        case .null, .array, .object: nil
        }
    }

    /// A string of one to nine digits as the number it spells, which is what keys of getdata rows are.
    @inline(__always)
    func fieldID(in bytes: RawSpan) -> Int? {
        let content = content
        guard !content.isEmpty, content.count < 10 else { return nil }
        var id = 0
        for position in content {
            let digit = bytes.unsafeLoad(fromByteOffset: position, as: UInt8.self) &- 0x30
            guard digit < 10 else { return nil }
            id = id * 10 + Int(digit)
        }
        return id
    }
}
