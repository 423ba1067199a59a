extension HostName {
    /// Reads a host written the way nearly every client writes it: a label and a base domain in lower case, perhaps a
    /// port. Nil for everything else, which the general reading decides; both agree wherever this one answers.
    ///
    /// - Parameters:
    ///   - host: the value as sent
    ///   - baseDomains: in lower case, without a dot at either end
    public static func plain(_ host: ArraySlice<UInt8>, baseDomains: [[UInt8]]) -> HostName? {
        guard let dot = host.firstIndex(of: 0x2E), dot > host.startIndex, dot - host.startIndex <= 63 else {
            return nil
        }
        let label = host[..<dot]
        for byte in label {
            switch byte {
            case 0x61...0x7A, 0x30...0x39, 0x2D: break
            default: return nil
            }
        }
        guard label.first != 0x2D, label.last != 0x2D else { return nil }
        let end = host[dot...].firstIndex(of: 0x3A) ?? host.endIndex
        if end < host.endIndex {
            // Four digits are a valid port whatever they are.
            let port = host[(end + 1)...]
            guard port.count <= 4, port.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        }
        let domain = host[(dot + 1)..<end]
        guard baseDomains.contains(where: { domain.elementsEqual($0) }) else { return nil }
        let name = String(decoding: label, as: UTF8.self)
        return InstanceName.reserved.contains(name) ? nil : .instance(name)
    }
}
