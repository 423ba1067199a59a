@testable import HTTP

/// Reads a stream of requests the way a connection does, in pieces of any size, and writes down what came of it.
struct RequestStream: Equatable {
    /// One request: method, target, host and body.
    var requests: [String] = []
    /// Why the stream was refused.
    var error: HTTPParseError?
    /// Bytes behind a request that closes the connection; nothing of them is interpreted.
    var ignored = 0
    /// Whether the stream ends inside a request.
    var isUnfinished = false

    /// - Parameter pieces: the bytes as they arrive.
    init(_ pieces: [ArraySlice<UInt8>], requiresHost: Bool = true, bodyLimit: Int = 1 << 20) {
        var parser = HTTPRequestParser(requiresHost: requiresHost)
        var buffer: [UInt8] = []
        var head: HTTPRequestHead?
        var chunks: HTTPChunkedDecoder?
        var body: [UInt8] = []
        var isClosed = false
        for piece in pieces {
            buffer += piece
            do throws(HTTPParseError) {
                while !isClosed {
                    if head == nil {
                        guard case .head(let new, let length) = try parser.head(of: buffer.span.bytes) else { break }
                        buffer.removeFirst(length)
                        head = new
                        if new.framing == .chunked { chunks = HTTPChunkedDecoder(limit: bodyLimit) }
                    }
                    guard let current = head else { break }
                    if var decoder = chunks {
                        buffer.removeFirst(try decoder.decode(buffer.span.bytes, into: &body))
                        chunks = decoder
                        if !decoder.isDone { break }
                    } else if case .length(let length) = current.framing {
                        if length > bodyLimit { throw .bodyTooLarge }
                        if buffer.count < length { break }
                        body = Array(buffer[..<length])
                        buffer.removeFirst(length)
                    }
                    let host = current.host ?? "-"
                    requests.append(
                        "\(current.method) \(current.target) \(host) \(String(decoding: body, as: UTF8.self))")
                    isClosed = !current.keepsAlive
                    (head, chunks, body) = (nil, nil, [])
                }
            } catch {
                self.error = error
                return
            }
        }
        if isClosed { ignored = buffer.count }
        isUnfinished = !isClosed && (head != nil || buffer.contains { $0 != 0x0D && $0 != 0x0A })
    }

    /// Whether both served the same and both went on or both stopped. With two faults in one stream the one that is
    /// noticed first depends on how the bytes arrive.
    func agrees(with other: RequestStream) -> Bool {
        requests == other.requests && (error == nil) == (other.error == nil) && ignored == other.ignored
            && isUnfinished == other.isUnfinished
    }

    init(_ bytes: [UInt8], requiresHost: Bool = true, bodyLimit: Int = 1 << 20) {
        self.init([bytes[...]], requiresHost: requiresHost, bodyLimit: bodyLimit)
    }

    init(_ text: String, requiresHost: Bool = true, bodyLimit: Int = 1 << 20) {
        self.init(Array(text.utf8), requiresHost: requiresHost, bodyLimit: bodyLimit)
    }
}
