import CPostgres

/// Keeps notices off standard error and hands them to the configuration's hook. Lives as long as its connection.
final class NoticeReceiver {
    private let hook: (@Sendable (String, String) -> Void)?

    init(_ hook: (@Sendable (String, String) -> Void)?) { self.hook = hook }

    func attach(to connection: OpaquePointer) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        _ = PQsetNoticeReceiver(
            connection,
            { context, result in
                guard let context, let result else { return }
                let receiver = Unmanaged<NoticeReceiver>.fromOpaque(context).takeUnretainedValue()
                guard let hook = receiver.hook else { return }
                let state = PQresultErrorField(result, CPOSTGRES_DIAG_SQLSTATE).map { String(cString: $0) } ?? ""
                let text = PQresultErrorField(result, CPOSTGRES_DIAG_MESSAGE_PRIMARY).map { String(cString: $0) } ?? ""
                hook(state, text)
            }, context)
    }
}
