import CSystem
import Glibc

/// Signals of the process, taken one after the other by a task on a loop.
///
/// From `init` on, the signals no longer have their default action. One source a signal; a later one takes over.
public final class SignalSource: @unchecked Sendable {
    // Unchecked: the descriptors never change; the watch is made and used on one loop's thread.

    private let signals: [CInt]
    private let reading: CInt
    private let writing: CInt
    private var watch: DescriptorWatch?

    /// Begins to catch the signals, for instance `[SIGTERM, SIGINT, SIGHUP]`.
    public init(_ signals: [CInt]) throws(SystemError) {
        var descriptors: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &descriptors) == 0 else { throw SystemError("socketpair") }
        (reading, writing) = (descriptors[0], descriptors[1])
        self.signals = signals
        for signal in signals where csystem_catch_signal(signal, writing) != 0 { throw SystemError("sigaction") }
    }

    deinit {
        for signal in signals { csystem_release_signal(signal) }
        close(reading)
        close(writing)
    }

    /// Waits for the next signal and returns its number. By one task, on the same loop each time.
    ///
    /// - Throws: `cancelled` when the task is.
    public func next() async throws(StreamError) -> CInt {
        while true {
            var number: UInt8 = 0
            if read(reading, &number, 1) == 1 { return CInt(number) }
            let watch = try currentWatch()
            do {
                try await watch.waitReadable()
            } catch {
                // Nobody comes back after that, and the loop would keep the watch.
                watch.close()
                self.watch = nil
                throw error
            }
        }
    }

    private func currentWatch() throws(StreamError) -> DescriptorWatch {
        if let watch { return watch }
        do {
            let watch = try DescriptorWatch(descriptor: reading)
            self.watch = watch
            return watch
        } catch {
            throw .system(error)
        }
    }
}
