/// The values that a path had for the placeholders of its pattern.
public struct RouteParameters: Sendable {
    /// Placeholders that a pattern may have.
    static let capacity = 6

    private let names: [String]
    private let bytes: ArraySlice<UInt8>
    /// Places from the beginning of `bytes` on.
    private let ranges: InlineArray<6, Range<Int>>

    init(names: [String], bytes: ArraySlice<UInt8>, ranges: InlineArray<6, Range<Int>>) {
        self.names = names
        self.bytes = bytes
        self.ranges = ranges
    }

    /// None.
    public init() {
        self.init(names: [], bytes: [], ranges: InlineArray(repeating: 0..<0))
    }

    /// The value of a placeholder, percent-decoded; nil where the pattern has none of the name.
    public subscript(name: String) -> String? {
        guard let index = names.firstIndex(of: name) else { return nil }
        let range = ranges[index]
        return HTTPForm.decode(bytes[bytes.startIndex + range.lowerBound..<bytes.startIndex + range.upperBound])
    }
}
