public import EventLoop
public import Persistence

/// The database's own clock.
public enum ServerClock {
    /// What the database's clock shows.
    public static func now(in database: Database) async throws(DatabaseError) -> Timestamp {
        guard let row = try await database.run(.resolver, Query("SELECT clock_timestamp()")).first else {
            throw DatabaseError(.decoding, context: "clock")
        }
        return try row.get(0)
    }
}
