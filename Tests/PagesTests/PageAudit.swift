import Foundation

/// Looks at a page as a screen reader, a keyboard and weak eyes meet it (WCAG 2.2 AA): names of controls and pictures,
/// order of headings, ids, contrast of each text on what is painted below it, visible focus, size of targets.
///
/// Answers a list of complaints.
let pageAudit = script("audit")

/// Looks for English words in a page that is shown in German, and answers them.
let englishWords = script("english")

private func script(_ name: String) -> String {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let file = folder.appendingPathComponent(name + ".js")
    do { return try String(contentsOf: file, encoding: .utf8) } catch {
        preconditionFailure("\(file.path): \(error)")
    }
}
