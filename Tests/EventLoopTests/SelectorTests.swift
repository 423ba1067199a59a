import Glibc
import Testing

@testable import EventLoop

@Suite("The selector")
struct SelectorTests {
    final class Silent: DescriptorHandler {
        func ready(_ readiness: Readiness) {}
    }

    @Test("drops a fetched event whose descriptor was closed and its number used again")
    func staleEvent() throws {
        var selector = try Selector()
        defer { selector.close() }
        let (near, far) = DescriptorWatchTests.pair()
        let (other, otherFar) = DescriptorWatchTests.pair()
        let (first, second) = (Silent(), Silent())
        try selector.register(near, .readable, first)
        #expect(write(far, "a", 1) == 1)
        #expect(selector.wait(milliseconds: 1000) == 1)
        #expect(selector.handler(ofEvent: 0)?.handler === first)

        selector.deregister(near)
        #expect(selector.handler(ofEvent: 0) == nil)
        #expect(dup2(other, near) == near)
        try selector.register(near, .readable, second)
        #expect(selector.handler(ofEvent: 0) == nil)
        for descriptor in [near, far, other, otherFar] { close(descriptor) }
    }
}
