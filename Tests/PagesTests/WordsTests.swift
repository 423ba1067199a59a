import Foundation
import Testing

/// What can be known of the pages without a browser.
@Suite("Words and files of the pages")
struct WordsTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Sources/API/Web")

    private static func files(_ suffix: String) throws -> [(name: String, text: String)] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(suffix) }
        return try names.map {
            ($0, try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8))
        }
    }

    @Test("every text has German words")
    func german() throws {
        let scripts = try Self.files(".js")
        let dictionary = try #require(scripts.first { $0.name == "js/core/german.js" }).text
        let known = Set(dictionary.matches(of: /"((?:[^"\\]|\\.)*)"\s*:/).map { String($0.1) })
        #expect(known.count > 300)
        for (name, text) in scripts where !name.contains("german") {
            for match in text.matches(of: /\bt\("((?:[^"\\]|\\.)*)"/) {
                #expect(known.contains(String(match.1)), "\(name): \(match.1)")
            }
        }
    }

    @Test("no German word is left over")
    func used() throws {
        let scripts = try Self.files(".js")
        let dictionary = try #require(scripts.first { $0.name == "js/core/german.js" }).text
        let texts = scripts.filter { !$0.name.contains("german") }.map(\.text)
        let words = Set(texts.flatMap { $0.matches(of: /"((?:[^"\\]|\\.)*)"/).map { String($0.1) } })
        for match in dictionary.matches(of: /"((?:[^"\\]|\\.)*)"\s*:/) {
            #expect(words.contains(String(match.1)), "\(match.1)")
        }
    }

    @Test("German words take the values that the English ones take")
    func placeholders() throws {
        let dictionary = try #require(try Self.files(".js").first { $0.name == "js/core/german.js" }).text
        for match in dictionary.matches(of: /"((?:[^"\\]|\\.)*)"\s*:\s*"((?:[^"\\]|\\.)*)"/) {
            let english = Set(match.1.matches(of: /\{[a-z]+\}/).map { String($0.0) })
            let german = Set(match.2.matches(of: /\{[a-z]+\}/).map { String($0.0) })
            #expect(english == german, "\(match.1)")
        }
    }

    @Test("nothing is written as HTML, nothing is styled or scripted inline, nothing comes from elsewhere")
    func contentPolicy() throws {
        for (name, text) in try Self.files(".js") {
            for word in [
                "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", " eval(", "new Function", ".cssText",
                "\"style\"",
            ] {
                #expect(!text.contains(word), "\(name): \(word)")
            }
        }
        for (name, text) in try Self.files(".html") {
            #expect(!text.contains("style="), "\(name)")
            #expect(!text.contains("<style"), "\(name)")
            for match in text.matches(of: /(?:src|href)="([^"]*)"/) {
                #expect(match.1.hasPrefix("/assets/"), "\(name): \(match.1)")
            }
        }
    }
}
