import EventLoop

extension HTTPRequestHead {
    /// The trace that the request belongs to; nil where it names none that is valid. `tracestate` counts together with a valid
    /// `traceparent` alone (W3C Trace Context 3.3).
    public var trace: TraceContext? {
        guard var trace = headerBytes("traceparent").flatMap(TraceContext.init) else { return nil }
        let lines = headerValues("tracestate")
        if !lines.isEmpty { trace.state = TraceState(lines: lines) }
        return trace
    }
}

extension HTTPHeaders {
    /// Carries a trace on: the receiver's work is a step below it.
    public mutating func carry(_ trace: TraceContext) {
        set("traceparent", trace.child().traceparent)
        if let state = trace.state { set("tracestate", state.value) }
    }
}
