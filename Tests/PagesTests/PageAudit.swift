import Foundation

/// Looks at a page as a screen reader, a keyboard and weak eyes meet it (WCAG 2.2 AA): names of controls and pictures,
/// order of headings, ids, contrast of each text on what is painted below it, visible focus, size of targets.
///
/// Answers a list of complaints.
let pageAudit: String = {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("audit.js")
    do { return try String(contentsOf: file, encoding: .utf8) } catch {
        preconditionFailure("\(file.path): \(error)")
    }
}()
