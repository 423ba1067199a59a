import Synchronization

/// Where a piece of work stands in a trace: W3C Trace Context (https://www.w3.org/TR/trace-context/), the field `traceparent`.
///
/// The context of the work at hand is a task-local value: calls to Emarsys and deliveries carry it on, and jobs that the
/// work puts into lanes remember it.
///
/// What goes through the database (events, jobs, deliveries) keeps `traceparent` alone. `tracestate` is passed on where a
/// request leads to another one by itself: a connection's test, a look at fields and segments, an endpoint's test. Keeping it
/// would take a column of half a kilobyte on the tables that are written most, for notes that are of use to systems which see
/// both ends of a call.
public struct TraceContext: Sendable, Hashable {
    /// The context of the work at hand, if there is one.
    @TaskLocal public static var current: TraceContext?

    private let high: UInt64
    private let low: UInt64
    private let span: UInt64
    private let flags: UInt8
    /// What systems on the way note of the trace, if anything.
    public var state: TraceState?

    private init(high: UInt64, low: UInt64, span: UInt64, flags: UInt8, state: TraceState? = nil) {
        self.high = high
        self.low = low
        self.span = span
        self.flags = flags
        self.state = state
    }

    /// Reads a `traceparent`; nil for one that is not valid, which counts as absent.
    public init?(traceparent bytes: some Collection<UInt8>) {
        let bytes = Array(bytes.prefix(56))
        guard bytes.count >= 55, [2, 35, 52].allSatisfy({ bytes[$0] == UInt8(ascii: "-") }),
            let version = Self.hex(bytes[0..<2]), version != 0xFF,
            let high = Self.hex(bytes[3..<19]), let low = Self.hex(bytes[19..<35]), high != 0 || low != 0,
            let span = Self.hex(bytes[36..<52]), span != 0, let flags = Self.hex(bytes[53..<55])
        else { return nil }
        // Version 0 ends here; later ones may go on behind a dash.
        guard bytes.count == 55 || (version > 0 && bytes[55] == UInt8(ascii: "-")) else { return nil }
        self.init(high: high, low: low, span: span, flags: UInt8(truncatingIfNeeded: flags) & 1)
    }

    /// A new trace that begins here.
    public static func make() -> TraceContext {
        TraceContext(high: nextRandom(), low: nextRandom(), span: nextRandom(), flags: 0)
    }

    /// A step below this one in the same trace.
    public func child() -> TraceContext {
        TraceContext(high: high, low: low, span: Self.nextRandom(), flags: flags, state: state)
    }

    /// The trace's id: 32 hexadecimal digits.
    public var traceID: String {
        String(unsafeUninitializedCapacity: 32) { text in
            Self.write(high, to: text, at: 0)
            Self.write(low, to: text, at: 16)
            return 32
        }
    }

    /// The value of `traceparent`.
    public var traceparent: String {
        String(unsafeUninitializedCapacity: 55) { text in
            text[0] = UInt8(ascii: "0")
            text[1] = UInt8(ascii: "0")
            for dash in [2, 35, 52] { text[dash] = UInt8(ascii: "-") }
            Self.write(high, to: text, at: 3)
            Self.write(low, to: text, at: 19)
            Self.write(span, to: text, at: 36)
            text[53] = UInt8(ascii: "0")
            text[54] = UInt8(ascii: "0") + (flags & 1)
            return 55
        }
    }

    private static func write(_ value: UInt64, to text: UnsafeMutableBufferPointer<UInt8>, at place: Int) {
        for digit in 0..<16 {
            let nibble = UInt8(truncatingIfNeeded: value >> UInt64(60 - 4 * digit)) & 15
            text[place + digit] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
        }
    }

    /// Lower-case digits only, as the specification demands.
    private static func hex(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }

    // Ids have to be unique, not secret: a counter with a random start, mixed (SplitMix64), costs no system call.
    private static let counter = Atomic<UInt64>(UInt64.random(in: 0...UInt64.max))

    private static func nextRandom() -> UInt64 {
        var mixed = counter.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        return mixed == 0 ? 1 : mixed
    }
}
