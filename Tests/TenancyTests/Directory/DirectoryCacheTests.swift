import EventLoop
import FoundationEssentials
import Testing

@testable import Tenancy

@Suite("The directory's cache")
struct DirectoryCacheTests {
    private let start = MonotonicTime.now

    private func cache(capacity: Int = 8) -> DirectoryCache {
        DirectoryCache(capacity: capacity, freshness: .milliseconds(900))
    }

    private func tenant(_ name: String) -> Tenant { Tenant(id: UUID(), instanceName: name, displayName: name) }

    private func change(_ tenant: Tenant, _ transaction: String) -> DirectoryChange {
        DirectoryChange(tenant: tenant.id, transaction: transaction)
    }

    @Test("an entry is used while it is younger than the freshness, without any poll")
    func ownAge() {
        var cache = cache()
        cache.loaded(tenant("acme"), instance: "acme", began: start, generation: 0)
        #expect(cache.find(instance: "acme", now: start + .milliseconds(899)) != nil)
        #expect(cache.find(instance: "acme", now: start + .milliseconds(901)) == nil)
    }

    @Test("a poll keeps old entries usable, and only as long as the poll itself is fresh")
    func polled() {
        var cache = cache()
        cache.loaded(tenant("acme"), instance: "acme", began: start, generation: 0)
        cache.polled([], began: start + .seconds(60))
        #expect(cache.find(instance: "acme", now: start + .seconds(60) + .milliseconds(899)) != nil)
        #expect(cache.find(instance: "acme", now: start + .seconds(61)) == nil)
    }

    @Test("a reported tenant is forgotten, the others stay")
    func changed() {
        var cache = cache()
        let acme = tenant("acme")
        cache.loaded(acme, instance: "acme", began: start, generation: 0)
        cache.loaded(tenant("other"), instance: "other", began: start, generation: 0)
        cache.polled([change(acme, "7")], began: start)
        #expect(cache.find(instance: "acme", now: start) == nil)
        #expect(cache.find(instance: "other", now: start) != nil)
    }

    @Test("a change that is reported again because of a long transaction does not empty the cache again")
    func repeated() {
        var cache = cache()
        let acme = tenant("acme")
        cache.polled([change(acme, "7")], began: start)
        cache.loaded(acme, instance: "acme", began: start, generation: cache.generation)
        cache.polled([change(acme, "7")], began: start)
        #expect(cache.find(instance: "acme", now: start) != nil)
        cache.polled([change(acme, "8")], began: start)
        #expect(cache.find(instance: "acme", now: start) == nil)
    }

    @Test("what a load read before a change was reported is not kept")
    func overtaken() {
        var cache = cache()
        let acme = tenant("acme")
        let generation = cache.generation
        cache.polled([change(acme, "7")], began: start)
        cache.loaded(acme, instance: "acme", began: start, generation: generation)
        #expect(cache.find(instance: "acme", now: start) == nil)
    }

    @Test("an unknown name is remembered until anything changes")
    func missing() {
        var cache = cache()
        cache.loaded(nil, instance: "nobody", began: start, generation: 0)
        if case .some(.some) = cache.find(instance: "nobody", now: start) { Issue.record("there is no such tenant") }
        #expect(cache.find(instance: "nobody", now: start) != nil)
        cache.polled([change(tenant("new"), "7")], began: start)
        #expect(cache.find(instance: "nobody", now: start) == nil)
    }

    @Test("the number of entries is bounded, and those in use stay")
    func bounded() {
        var cache = cache(capacity: 8)
        cache.loaded(tenant("busy"), instance: "busy", began: start, generation: 0)
        for number in 0..<100 {
            cache.loaded(tenant("t\(number)"), instance: "t\(number)", began: start, generation: 0)
            #expect(cache.find(instance: "busy", now: start) != nil)
            #expect(cache.count <= 8)
        }
        #expect(cache.find(instance: "t0", now: start) == nil)
    }
}
