import Crypto
import JSON

/// The tokens of the webhook node: HMAC over header and claims, with the secret's UTF-8 bytes as key.
enum SandboxJWT {
    /// A token in compact form. An unknown algorithm, `none` included, gives an unsigned token: receivers refuse it.
    static func token(claims: JSONObject, secret: String, algorithm: String) -> String {
        let header = JSON.object(["alg": .string(algorithm), "typ": "JWT"]).encoded()
        let signed = Base64URL.encode(header) + "." + Base64URL.encode(JSON.object(claims).encoded())
        let hash: HashAlgorithm
        switch algorithm {
        case "HS256": hash = .sha256
        case "HS384": hash = .sha384
        case "HS512": hash = .sha512
        default: return signed + "."
        }
        let mac = HMACKey([UInt8](secret.utf8), hash).authenticate([UInt8](signed.utf8))
        return signed + "." + Base64URL.encode(mac)
    }
}
