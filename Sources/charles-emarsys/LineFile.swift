import EventLoop
import Glibc

/// A file that is read line by line, or written piece by piece; `-` is standard input or output.
final class LineFile {
    private let stream: UnsafeMutablePointer<FILE>
    private let path: String

    /// Opens a file for reading.
    init(reading path: String) throws {
        self.path = path
        guard let opened = path == "-" ? fdopen(dup(0), "r") : fopen(path, "re") else { throw LineFile.failure(path) }
        stream = opened
    }

    /// Makes a file that nobody but its owner may read; one that is there already stays.
    init(creating path: String) throws {
        self.path = path
        let descriptor = path == "-" ? dup(1) : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0, let opened = fdopen(descriptor, "w") else { throw LineFile.failure(path) }
        stream = opened
    }

    /// The next line without its end; nil behind the last.
    func next() throws -> [UInt8]? {
        var buffer: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(buffer) }
        let count = getline(&buffer, &capacity, stream)
        guard count > 0, let buffer else {
            if ferror(stream) != 0 { throw LineFile.failure(path) }
            return nil
        }
        let bytes = UnsafeRawBufferPointer(start: buffer, count: count)
        return Array(bytes.last == 0x0A ? bytes.dropLast() : bytes[...])
    }

    /// Writes a piece.
    func write(_ bytes: [UInt8]) throws {
        let count = bytes.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, stream) }
        guard count == bytes.count else { throw LineFile.failure(path) }
    }

    /// Ends writing: what was written is on the disk.
    func finish() throws {
        guard fflush(stream) == 0, path == "-" || fsync(fileno(stream)) == 0 else { throw LineFile.failure(path) }
    }

    /// Removes a file that was not finished.
    func remove() { if path != "-" { unlink(path) } }

    deinit { fclose(stream) }

    private static func failure(_ path: String) -> Failure {
        Failure("\(path): \(String(cString: strerror(errno)))")
    }
}
