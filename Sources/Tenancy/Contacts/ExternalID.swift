/// The reading of ids that another system gave: trimmed, case-sensitive, never empty.
public enum ExternalID {
    /// The id; nil where it is absent, a word that stands for nothing, or longer than 255 characters.
    public static func normalise(_ raw: String) -> String? {
        guard let text = IdentifierText.present(raw), text.utf8.count <= 1020, text.count <= 255 else { return nil }
        return text.utf8.contains(0) ? nil : text
    }
}
