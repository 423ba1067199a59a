import JSON

/// What a verified token says.
public struct JWTClaims: Sendable, Hashable {
    /// Expiry in seconds since 1970.
    public let expiresAt: Double?
    /// Start of validity in seconds since 1970.
    public let notBefore: Double?
    /// Issue in seconds since 1970.
    public let issuedAt: Double?
    /// The payload: a JSON object whose keys occur once each.
    public let payload: [UInt8]
}

/// Checks JSON Web Tokens signed with HMAC (RFC 7515, 7519) under the advice of RFC 8725: the stored keys decide which
/// algorithms count, encodings are read strictly, the signature comes before the payload.
public struct JWTVerifier: Sendable {
    /// Seconds by which the sender's clock may differ.
    public static let leeway = 60.0
    /// Bytes of the longest token that is looked at.
    public static let longestToken = 8_192

    private let keys: [JWTKey]

    /// A verifier.
    /// - Parameter keys: the current key first, then those still valid for an overlap.
    public init(keys: [JWTKey]) {
        self.keys = keys
    }

    /// Checks a token.
    /// - Parameter now: seconds since 1970.
    public func verify(_ token: [UInt8], now: Int64) throws(JWTError) -> JWTClaims {
        try verify(token.span.bytes, now: now)
    }

    /// Checks a token.
    /// - Parameter now: seconds since 1970.
    public func verify(_ token: ArraySlice<UInt8>, now: Int64) throws(JWTError) -> JWTClaims {
        try verify(token.span.bytes, now: now)
    }

    /// Checks a token.
    /// - Parameter now: seconds since 1970.
    public func verify(_ token: String, now: Int64) throws(JWTError) -> JWTClaims {
        try verify(Array(token.utf8), now: now)
    }

    /// Checks a token.
    /// - Parameter now: seconds since 1970.
    public func verify(_ token: RawSpan, now: Int64) throws(JWTError) -> JWTClaims {
        let payload = try signedPayload(of: token, now: now)
        let claims = try JWTTimes(payload.span.bytes)
        let now = Double(now)
        if let expiresAt = claims.expiresAt, now >= expiresAt + Self.leeway { throw .expired }
        if let notBefore = claims.notBefore, now < notBefore - Self.leeway { throw .notYetValid }
        if let issuedAt = claims.issuedAt, now < issuedAt - Self.leeway { throw .issuedInFuture }
        return JWTClaims(
            expiresAt: claims.expiresAt, notBefore: claims.notBefore, issuedAt: claims.issuedAt, payload: payload)
    }

    /// Checks the signature alone.
    /// - Returns: the signed bytes of the payload, whatever they are.
    func signedPayload(of token: RawSpan, now: Int64) throws(JWTError) -> [UInt8] {
        guard token.byteCount <= Self.longestToken else { throw .tooLong }
        let segments = try Self.segments(token)
        let algorithm = try JWTHeader.algorithm(token, segments.header)
        // Decoding comes first only to refuse what is no base64url; nothing looks inside before the signature is right.
        guard let payload = Base64URL.decode(token, segments.payload),
            let signature = Base64URL.decode(token, segments.signature)
        else { throw .malformed }
        let signed = token.extracting(segments.header.lowerBound..<segments.payload.upperBound)
        var isAllowed = false
        for key in keys {
            if let validUntil = key.validUntil, now >= validUntil { continue }
            guard let hmac = key.hmac(algorithm) else { continue }
            isAllowed = true
            if constantTimeEqual(signature, hmac.authenticate(signed)) { return payload }
        }
        throw isAllowed ? .invalidSignature : .algorithmNotAllowed
    }

    private static func segments(
        _ token: RawSpan
    ) throws(JWTError) -> (header: Range<Int>, payload: Range<Int>, signature: Range<Int>) {
        var first: Int?
        var second: Int?
        for place in 0..<token.byteCount
        where token.unsafeLoad(fromByteOffset: place, as: UInt8.self) == UInt8(ascii: ".") {
            if first == nil {
                first = place
            } else if second == nil {
                second = place
            } else {
                throw .malformed
            }
        }
        guard let first, let second, first > 0 else { throw .malformed }
        return (0..<first, first + 1..<second, second + 1..<token.byteCount)
    }
}

/// Reads the protected header.
private enum JWTHeader {
    /// `{"alg":"HS256","typ":"JWT"}` as nearly every sender writes it: known without reading.
    private static let usual: StaticString = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"

    static func algorithm(_ token: RawSpan, _ segment: Range<Int>) throws(JWTError) -> JWTAlgorithm {
        if isUsual(token, segment) { return .hs256 }
        guard let bytes = Base64URL.decode(token, segment) else { throw .malformed }
        var algorithm: JWTAlgorithm?
        var names: [String] = []
        do {
            let bytes = bytes.span.bytes
            var scanner = JSONScanner(maxDepth: 8)
            try scanner.beginObject(bytes)
            while let key = try scanner.nextMember(bytes) {
                let value = try scanner.value(bytes)
                // A name that stands twice means different things to different readers.
                let name = key.string(in: bytes) ?? ""
                if names.contains(name) { throw JSONError(.duplicateKey, at: key.range.lowerBound) }
                names.append(name)
                if names.count > 32 { throw JSONError(.tooDeep, at: key.range.lowerBound) }
                if name == "alg" { algorithm = value.string(in: bytes).flatMap(JWTAlgorithm.init) }
            }
            try scanner.end(bytes)
        } catch {
            throw .malformed
        }
        if names.contains("crit") { throw .criticalExtension }
        guard let algorithm else { throw .algorithmNotAllowed }
        return algorithm
    }

    private static func isUsual(_ token: RawSpan, _ segment: Range<Int>) -> Bool {
        guard segment.count == usual.utf8CodeUnitCount else { return false }
        return segment.allSatisfy {
            token.unsafeLoad(fromByteOffset: $0, as: UInt8.self) == usual.utf8Start[$0 - segment.lowerBound]
        }
    }
}

/// The times in the payload of a token.
private struct JWTTimes {
    var expiresAt: Double?
    var notBefore: Double?
    var issuedAt: Double?

    init(_ bytes: RawSpan) throws(JWTError) {
        var keys: [JSONSlice] = []
        var times: (JSONSlice?, JSONSlice?, JSONSlice?) = (nil, nil, nil)
        do {
            var scanner = JSONScanner()
            try scanner.beginObject(bytes)
            while let key = try scanner.nextMember(bytes) {
                let value = try scanner.value(bytes)
                if key.equals("exp", in: bytes) { times.0 = value }
                if key.equals("nbf", in: bytes) { times.1 = value }
                if key.equals("iat", in: bytes) { times.2 = value }
                keys.append(key)
            }
            try scanner.end(bytes)
        } catch {
            throw .malformed
        }
        guard Self.areDistinct(keys, bytes) else { throw .malformed }
        expiresAt = try Self.seconds(times.0, bytes)
        notBefore = try Self.seconds(times.1, bytes)
        issuedAt = try Self.seconds(times.2, bytes)
    }

    /// Compared pair by pair while there are few; through a set otherwise, so that a large payload costs no square.
    private static func areDistinct(_ keys: [JSONSlice], _ bytes: RawSpan) -> Bool {
        if keys.count > 16 || keys.contains(where: \.hasEscapes) {
            return Set(keys.map { $0.string(in: bytes) }).count == keys.count
        }
        for (index, key) in keys.enumerated() {
            for other in keys[..<index] where key.range.count == other.range.count {
                let isSame = key.range.indices.allSatisfy { place in
                    let shifted = place - key.range.lowerBound + other.range.lowerBound
                    return bytes.unsafeLoad(fromByteOffset: place, as: UInt8.self)
                        == bytes.unsafeLoad(fromByteOffset: shifted, as: UInt8.self)
                }
                if isSame { return false }
            }
        }
        return true
    }

    private static func seconds(_ slice: JSONSlice?, _ bytes: RawSpan) throws(JWTError) -> Double? {
        guard let slice else { return nil }
        if let whole = wholeSeconds(slice.range, bytes) { return Double(whole) }
        guard let seconds = slice.number(in: bytes)?.double else { throw .invalidClaim }
        return seconds
    }

    /// The number where it is digits alone, as nearly all senders write it.
    private static func wholeSeconds(_ range: Range<Int>, _ bytes: RawSpan) -> Int? {
        guard range.count <= 15 else { return nil }
        var value = 0
        for place in range {
            let digit = bytes.unsafeLoad(fromByteOffset: place, as: UInt8.self) &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        return value
    }
}
