/// Reads Prometheus' text form as strictly as the format's page says, for the tests.
struct PrometheusParser {
    struct Sample {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    private(set) var types: [String: String] = [:]
    private(set) var samples: [Sample] = []

    init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw Fault(description: "the last line has no end") }
        var helps: Set<String> = []
        var current = ""
        var seen: Set<String> = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
            if line.hasPrefix("# HELP ") {
                let name = String(line.dropFirst(7).prefix { $0 != " " })
                guard helps.insert(name).inserted else { throw Fault(description: "two HELP lines: \(name)") }
            } else if line.hasPrefix("# TYPE ") {
                let words = line.split(separator: " ")
                guard words.count == 4, ["counter", "gauge", "histogram", "summary", "untyped"].contains(words[3])
                else {
                    throw Fault(description: "not a TYPE line: \(line)")
                }
                current = String(words[2])
                guard types[current] == nil else { throw Fault(description: "two TYPE lines: \(current)") }
                types[current] = String(words[3])
            } else {
                let sample = try Self.sample(String(line))
                let suffixes = types[current] == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
                guard suffixes.contains(where: { sample.name == current + $0 }) else {
                    throw Fault(description: "a sample outside of its family: \(line)")
                }
                let key = "\(sample.name) \(sample.labels.sorted { $0.key < $1.key })"
                guard seen.insert(key).inserted else { throw Fault(description: "twice: \(line)") }
                samples.append(sample)
            }
        }
        try checkHistograms()
    }

    /// The one sample of a name and labels, or the sum of several.
    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let fitting = samples.filter { sample in
            sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }
        return fitting.isEmpty ? nil : fitting.reduce(0) { $0 + $1.value }
    }

    private func checkHistograms() throws {
        for (name, type) in types where type == "histogram" {
            var groups: [[String: String]: [(bound: Double, count: Double)]] = [:]
            for sample in samples where sample.name == name + "_bucket" {
                var labels = sample.labels
                guard let text = labels.removeValue(forKey: "le"), let bound = text == "+Inf" ? .infinity : Double(text)
                else { throw Fault(description: "a bucket without its bound: \(name)") }
                groups[labels, default: []].append((bound, sample.value))
            }
            for (labels, buckets) in groups {
                let isSorted = zip(buckets, buckets.dropFirst()).allSatisfy {
                    $0.bound < $1.bound && $0.count <= $1.count
                }
                guard isSorted, buckets.last?.bound == .infinity,
                    value(name + "_count", labels) == buckets.last?.count, value(name + "_sum", labels) != nil
                else { throw Fault(description: "not a histogram: \(name) \(labels)") }
            }
        }
    }

    private static func sample(_ line: String) throws -> Sample {
        var rest = line[...]
        let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") }
        guard let first = name.first, !first.isNumber else { throw Fault(description: "no name: \(line)") }
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                let label = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
                rest = rest.dropFirst(label.count)
                guard !label.isEmpty, rest.hasPrefix("=\"") else { throw Fault(description: "no label: \(line)") }
                rest = rest.dropFirst(2)
                var value = ""
                while let character = rest.first, character != "\"" {
                    rest = rest.dropFirst()
                    guard character == "\\" else {
                        value.append(character)
                        continue
                    }
                    guard let escaped = rest.popFirst(), ["\\", "\"", "n"].contains(escaped) else {
                        throw Fault(description: "not an escape: \(line)")
                    }
                    value.append(escaped == "n" ? "\n" : escaped)
                }
                guard rest.popFirst() == "\"", labels.updateValue(value, forKey: String(label)) == nil else {
                    throw Fault(description: "a label without end, or twice: \(line)")
                }
                if rest.first == "," { rest = rest.dropFirst() }
            }
            rest = rest.dropFirst()
        }
        guard rest.first == " " else { throw Fault(description: "no value: \(line)") }
        let text = String(rest.dropFirst())
        let special: [String: Double] = ["+Inf": .infinity, "-Inf": -.infinity, "NaN": .nan]
        guard let value = special[text] ?? Double(text), !text.contains(" ") else {
            throw Fault(description: "not a number: \(line)")
        }
        return Sample(name: String(name), labels: labels, value: value)
    }
}
