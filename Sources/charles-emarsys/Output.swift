import Glibc
import JSON

/// Standard output and error of the commands.
enum Output {
    static func line(_ text: String) { write(1, text + "\n") }

    static func error(_ text: String) { write(2, text + "\n") }

    /// One JSON document.
    static func json(_ value: JSON) { write(1, String(decoding: value.encoded(), as: UTF8.self) + "\n") }

    /// `value` as one JSON document, or `text` for people.
    static func show(_ value: JSON, asJSON: Bool, text: () -> String) {
        if asJSON { json(value) } else { line(text()) }
    }

    /// Rows under their headings, columns aligned.
    static func table(_ headings: [String], _ rows: [[String]]) -> String {
        let all = [headings] + rows
        let widths = headings.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            zip(row, widths).map { $0.padded(to: $1) }.joined(separator: "  ").trimmedEnd
        }.joined(separator: "\n")
    }

    private static func write(_ descriptor: CInt, _ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}

extension String {
    /// The text with blanks behind it up to a width.
    func padded(to width: Int) -> String {
        count < width ? self + String(repeating: " ", count: width - count) : self
    }

    fileprivate var trimmedEnd: String {
        var text = Substring(self)
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
