import Emarsys
import EventLoop
import Testing

@Suite("The class of a failure")
struct EmarsysErrorTests {
    @Test(
        "follows status and reply code",
        arguments: [
            (202, 10001, EmarsysFailureClass.retry), (423, 10003, .retry), (423, 6028, .retry), (429, 7003, .retry),
            (429, nil, .retry), (500, 1, .retry), (500, nil, .retry), (502, nil, .retry), (503, nil, .retry),
            (504, nil, .retry), (401, 1, .reauthenticate), (403, nil, .stopConnection), (400, 2004, .stopJob),
            (400, 1, .stopJob), (404, 10002, .stopJob), (410, 4003, .stopJob), (200, 1, .stopJob), (200, 7003, .retry),
            (400, 4001, .retry), (412, 8029, .stopJob),
        ] as [(Int, Int?, EmarsysFailureClass)])
    func table(status: Int, code: Int?, expected: EmarsysFailureClass) {
        #expect(EmarsysError(httpStatus: status, replyCode: code, text: "").failureClass == expected)
    }

    @Test("of a row skips the row, except for keys that fit no row and races")
    func rows() {
        for code in [2005, 2007, 2008, 2010] { #expect(EmarsysError.rowClass(code) == .skipRow) }
        #expect(EmarsysError.rowClass(2009) == .retryRow)
        #expect(EmarsysError.rowClass(2004) == .stopJob)
    }

    @Test("of a second 401 is final")
    func secondRefusal() {
        var error = EmarsysError(httpStatus: 401, replyCode: 1, text: "")
        error.triedAgain = true
        #expect(error.failureClass == .stopConnection)
    }

    @Test("of a refused client is final, of a busy token endpoint passing")
    func tokens() {
        #expect(EmarsysError(.tokenAnswer, httpStatus: 401, text: "").failureClass == .stopConnection)
        #expect(EmarsysError(.tokenAnswer, httpStatus: 400, text: "").failureClass == .stopConnection)
        #expect(EmarsysError(.tokenAnswer, httpStatus: 503, text: "").failureClass == .retry)
    }

    @Test("comes with a description that quotes nothing of Emarsys' text")
    func description() {
        let error = EmarsysError(httpStatus: 400, replyCode: 2008, text: "No contact with: erika@example.com\r\n")
        #expect("\(error)" == "Emarsys: emarsys_refused (HTTP 400, reply code 2008)")
        #expect(!error.text.contains("\n"))
    }

    @Test("decides how often and how late a call is repeated")
    func plan() {
        var plan = RetryPlan(attempts: 4, firstDelay: .seconds(1), longestDelay: .seconds(3))
        let error = EmarsysError(httpStatus: 503, text: "")
        #expect(plan.decide(after: error, jitter: 1) == .again(after: .seconds(1)))
        #expect(plan.decide(after: error, jitter: 0) == .again(after: .seconds(1)))
        #expect(plan.decide(after: error, jitter: 1) == .again(after: .seconds(3)))
        #expect(plan.decide(after: error, jitter: 1) == .giveUp)
    }

    @Test("honours Retry-After up to a bound, and repeats nothing that cannot pass")
    func retryAfter() {
        var plan = RetryPlan()
        let limited = EmarsysError(httpStatus: 429, text: "", retryAfterSeconds: 17)
        #expect(plan.decide(after: limited, jitter: 0) == .again(after: .seconds(17)))
        let absurd = EmarsysError(httpStatus: 429, text: "", retryAfterSeconds: 86_400)
        #expect(plan.decide(after: absurd, jitter: 0) == .again(after: .seconds(300)))
        #expect(plan.decide(after: EmarsysError(httpStatus: 403, text: ""), jitter: 0) == .giveUp)
    }
}
