/// Field lines that many answers share: checked and written out once instead of for each answer.
public struct HTTPFieldBlock: Sendable {
    /// The fields.
    public let fields: HTTPHeaders
    /// The lines, each with its CRLF; nil where a field cannot be written.
    let bytes: [UInt8]?

    /// A block of fields, without those of framing.
    public init(_ fields: HTTPHeaders) {
        self.fields = fields
        bytes = fields.areWritable ? fields.flatMap { Array("\($0.name): \($0.value)\r\n".utf8) } : nil
    }

    /// No fields.
    public static let empty = HTTPFieldBlock([:])
}
