import Crypto
import EventLoop

/// The `X-WSSE` header of Emarsys' v2 API.
///
/// The digest is the base64 of the forty *hexadecimal characters* of SHA-1(nonce + created + secret), not of its
/// twenty bytes, and the nonce travels as hexadecimal text: getting either wrong is the most frequent cause of a 401.
public enum WSSEHeader {
    /// The header's name.
    public static let name = "X-WSSE"

    /// The header's value for one request. Never reuse it: make a new one for each attempt.
    ///
    /// - Parameters:
    ///   - username: the API user
    ///   - secret: its secret, taken as UTF-8
    ///   - now: the time of sending; Emarsys accepts five minutes of difference
    public static func value(username: String, secret: String, now: Timestamp) -> String {
        value(username: username, secret: secret, nonce: Hex.encode(SecureRandom.bytes(16)), created: created(now))
    }

    /// The header's value for a given nonce and creation time.
    public static func value(username: String, secret: String, nonce: String, created: String) -> String {
        let digest = digest(nonce: nonce, created: created, secret: secret)
        return
            #"UsernameToken Username="\#(username)", PasswordDigest="\#(digest)", Nonce="\#(nonce)", Created="\#(created)""#
    }

    /// The password digest alone.
    public static func digest(nonce: String, created: String, secret: String) -> String {
        var message: [UInt8] = []
        message.append(contentsOf: nonce.utf8)
        message.append(contentsOf: created.utf8)
        message.append(contentsOf: secret.utf8)
        return Base64.encode([UInt8](Hex.encode(SHA1.hash(message)).utf8))
    }

    /// ISO 8601 in UTC with whole seconds, a form that Emarsys is known to accept.
    static func created(_ time: Timestamp) -> String {
        let text = time.rfc3339
        guard let dot = text.firstIndex(of: ".") else { return text }
        return text[..<dot] + "Z"
    }
}
