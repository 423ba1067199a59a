/// Bytes that came in and wait to be taken, in memory that is used again and again.
public struct ByteBuffer {
    private var storage: [UInt8]
    private var start = 0
    private var end = 0

    /// An empty buffer.
    ///
    /// - Parameter capacity: bytes that fit before it grows.
    public init(capacity: Int = 8192) {
        storage = [UInt8](repeating: 0, count: capacity)
    }

    /// The number of bytes that wait.
    public var count: Int { end - start }
    /// Whether none wait.
    public var isEmpty: Bool { start == end }
    /// The bytes that fit without growing.
    public var capacity: Int { storage.count }

    /// Calls the body with the waiting bytes.
    public func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(storage.span.bytes.extracting(start..<end))
    }

    /// Takes bytes from the front without copying them anywhere.
    public mutating func skip(_ count: Int) {
        precondition(count <= self.count)
        start += count
        if start == end {
            start = 0
            end = 0
        }
    }

    /// Moves bytes from the front to the end of the array.
    public mutating func move(_ count: Int, to array: inout [UInt8]) {
        array.append(contentsOf: storage[start..<(start + count)])
        skip(count)
    }

    /// Adds bytes at the end.
    public mutating func append(_ bytes: some Collection<UInt8>) {
        reserve(bytes.count)
        for byte in bytes {
            storage[end] = byte
            end += 1
        }
    }

    /// Forgets everything and gives memory beyond the capacity back.
    public mutating func reset(capacity: Int) {
        start = 0
        end = 0
        if storage.count > capacity { storage = [UInt8](repeating: 0, count: capacity) }
    }

    /// Makes room for so many bytes behind the waiting ones.
    mutating func reserve(_ count: Int) {
        if storage.count - end >= count { return }
        if start > 0 {
            storage.withUnsafeMutableBytes { bytes in
                let waiting = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                bytes.copyMemory(from: waiting)
            }
            end -= start
            start = 0
        }
        if storage.count - end < count {
            let grown = max(storage.count * 2, end + count)
            storage.append(contentsOf: repeatElement(0, count: grown - storage.count))
        }
    }

    /// Lets the body write behind the waiting bytes; it returns how many it wrote, or a negative number.
    public mutating func fill(atLeast count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        reserve(count)
        let end = end
        let written = storage.withUnsafeMutableBytes { bytes in
            body(UnsafeMutableRawBufferPointer(rebasing: bytes[end...]))
        }
        if written > 0 { self.end += written }
        return written
    }
}
