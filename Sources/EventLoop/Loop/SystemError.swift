import Glibc

/// A system call that failed.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The `errno` value.
    public let code: CInt
    /// The call's name, for logs.
    public let call: String

    /// Takes the current `errno` unless another code is given; make it at once after the failing call.
    public init(_ call: String, code: CInt = errno) {
        self.code = code
        self.call = call
    }

    /// The call and the system's words for the code.
    public var description: String {
        "\(call): \(String(cString: strerror(code)))"
    }
}

/// Why a wait on a stream or descriptor ended without what was waited for.
public enum StreamError: Error, Hashable, Sendable {
    /// The descriptor was closed on this side, or the peer is gone.
    case closed
    /// The time-out or deadline passed.
    case timedOut
    /// The waiting task was cancelled.
    case cancelled
    /// A system call failed.
    case system(SystemError)
}

/// Repeats a call while a signal interrupts it.
@inline(__always)
func retryingInterrupted<Result: FixedWidthInteger & SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}
