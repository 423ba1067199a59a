import Emarsys
import Testing

@Suite("CSV of exports")
struct CSVReaderTests {
    private func read(_ text: String, delimiter: UInt8 = 0x2C) -> [[String]] {
        var reader = CSVReader(delimiter: delimiter)
        var records: [[String]] = []
        for byte in text.utf8 { records += reader.feed([byte]) }
        if let last = reader.finish() { records.append(last) }
        return records
    }

    @Test("is read by RFC 4180, with either line end")
    func grammar() {
        #expect(read("a,b\r\nc,d\n") == [["a", "b"], ["c", "d"]])
        #expect(read("\"a \"\"x\"\"\",\"b\r\nc\"\r\n,\r\n") == [["a \"x\"", "b\r\nc"], ["", ""]])
        #expect(read("a;b,c;d", delimiter: 0x3B) == [["a", "b,c", "d"]])
    }

    @Test("loses its byte order mark and nothing else")
    func mark() {
        #expect(read("\u{FEFF}user_id,Vorname\r\n") == [["user_id", "Vorname"]])
        #expect(read("\u{FF41},x\n") == [["\u{FF41}", "x"]])
    }
}
