import Crypto
import Testing

@testable import Tenancy

@Suite("Reporting logins")
struct ReportingAccessTests {
    @Test("a verifier is what PostgreSQL itself makes of the password")
    func scram() throws {
        // From `CREATE ROLE … PASSWORD 'pencil'` with this salt; also RFC 7677's example, whose keys follow from it.
        let salt = try #require(Base64.decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
        let verifier = ScramVerifier.make(password: "pencil", salt: salt, iterations: 4096)
        #expect(
            verifier
                == "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        )
    }

    @Test(
        "the address follows the service's own, in whichever form that is written",
        arguments: [
            ("postgresql://svc:p@db.example:5433/charles", "postgresql://r:w@db.example:5433/charles"),
            ("postgres://svc@/charles?host=/run/pg&port=6000", "postgresql://r:w@/charles?host=%2Frun%2Fpg&port=6000"),
            ("host=/tmp/pg dbname='my db' user=svc password='a b'", "postgresql://r:w@/my%20db?host=%2Ftmp%2Fpg"),
            ("postgresql://svc:p%40@[::1]:5432/c?sslmode=require", "postgresql://r:w@[::1]:5432/c?sslmode=require"),
            ("postgresql://svc@a:1,b:2/c", "postgresql://r:w@a:1/c"),
            ("user=svc host=db", "postgresql://r:w@db/svc"),
        ])
    func address(form: (String, String)) {
        #expect(ReportingAddress(connectionString: form.0).dsn(role: "r", password: "w") == form.1)
    }
}
