import EventLoop
import Testing

@Suite("Addresses")
struct AddressTests {
    @Test(
        "an IP address is read and written in its usual form",
        arguments: [
            ("127.0.0.1", "127.0.0.1"), ("255.255.255.255", "255.255.255.255"), ("::", "::"), ("::1", "::1"),
            ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("1::", "1::"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ])
    func usualForm(text: String, form: String) {
        #expect(IPAddress(text)?.description == form)
    }

    @Test(
        "what is no IP address is refused",
        arguments: [
            "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "0x7f.0.0.1", "1.2.3.4 ", ":", ":::", "1::2::3",
            "12345::", "1:2:3:4:5:6:7:8:9", "::1%eth0", "[::1]", "g::", "1:2:3:4:5:6:7", "::1.2.3", "+1::",
            "1:2:3:4:5:6:7:8::", "1.2.3.4::",
        ])
    func noAddress(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(
        "numbers that a resolver would take for an address are recognised",
        arguments: [
            "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.0.0.1.", "1.2.3.08", "256.256.256.256",
        ])
    func numericForms(host: String) {
        #expect(IPAddress.isNumericForm(host))
    }

    @Test("names and plain addresses are no numeric forms", arguments: ["127.0.0.1", "a.b1", "1.a", "0xg", "", "."])
    func otherForms(host: String) {
        #expect(!IPAddress.isNumericForm(host))
    }

    @Test(
        "addresses that are not on the open internet are not public",
        arguments: [
            "127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "0.0.0.0",
            "100.64.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "::", "::1", "fe80::1", "fc00::1",
            "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "::7f00:1", "2002:7f00:1::",
            "fec0::1", "2001:db8::1",
        ])
    func notPublic(text: String) throws {
        #expect(try !#require(IPAddress(text)).isPublic)
    }

    @Test("others are", arguments: ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::101:101"])
    func isPublic(text: String) throws {
        #expect(try #require(IPAddress(text)).isPublic)
    }

    @Test("a block contains its addresses and, for IPv4, their mapped forms")
    func blocks() throws {
        let block = try #require(CIDRBlock("10.0.0.0/8"))
        #expect(try block.contains(#require(IPAddress("10.255.0.1"))))
        #expect(try block.contains(#require(IPAddress("::ffff:10.0.0.1"))))
        #expect(try !block.contains(#require(IPAddress("11.0.0.0"))))
        #expect(try #require(CIDRBlock("::/0")).contains(#require(IPAddress("fd00::1"))))
        #expect(try !#require(CIDRBlock("::1")).contains(#require(IPAddress("::2"))))
        for text in ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "x/8", "::1/64"] {
            #expect(CIDRBlock(text) == nil)
        }
    }

    @Test(
        "socket addresses are read and written",
        arguments: ["127.0.0.1:8080", "[::1]:443", "unix:/run/a.sock", "0.0.0.0:0"])
    func socketAddresses(text: String) {
        #expect(SocketAddress(text)?.description == text)
    }

    @Test(
        "what is no socket address is refused",
        arguments: ["127.0.0.1", "::1:80", "[127.0.0.1]:80", "127.0.0.1:65536", "127.0.0.1:", "host:80", "unix:", ""])
    func noSocketAddress(text: String) {
        #expect(SocketAddress(text) == nil)
    }
}
